"""Which files the kept rows of a client name."""

import pytest

from bot.operate.export.files import WebFile, files_in
from bot.translate.files import BotFile, TelegramFile, file_address

CONVERSATION = "tg:7:555"
PLAN = TelegramFile("f1", "", "plan.pdf", "application/pdf", 11)
SIZES = [
    {"file_id": "small", "width": 90, "height": 90},
    {"file_id": "large", "width": 1280, "height": 960},
    {"file_id": "middle", "width": 320, "height": 240},
]
VIDEO = {"file_id": "v", "file_name": "../v.mp4", "mime_type": "video/mp4", "file_size": 5}


def row(payload, **fields):
    """Return a kept item."""
    return {"conversation_id": CONVERSATION, "payload": payload, **fields}


def update(**content):
    """Return an update that is kept as it came."""
    return row({"update_id": 1, "message": {"chat": {"id": 555}, **content}})


def names(file):
    """Return what tells a file from others, and its name."""
    if isinstance(file, WebFile):
        return (file.address, file.name)
    return (file.bot_id, file.file.file_id, file.file.name)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        pytest.param(
            {"to_kommo": [row({"content": {"media": file_address(8, PLAN)}})]},
            [(8, "f1", "plan.pdf")],
            id="named-by-a-payload",
        ),
        pytest.param(
            {"to_kommo": [update(photo=SIZES)]}, [(7, "large", "photo.jpg")], id="best-size"
        ),
        pytest.param(
            {"to_kommo": [update(video={**VIDEO, "thumbnail": SIZES[0], "cover": SIZES})]},
            [(7, "v", "_v.mp4")],
            id="no-previews",
        ),
        pytest.param(
            {"unread_updates": [{**update(document=VIDEO), "conversation_id": None}]},
            [(0, "v", "_v.mp4")],
            id="of-no-conversation",
        ),
        pytest.param(
            {"to_kommo": [row({"bot_id": 7, "update": {"message": {"document": VIDEO}}})]},
            [(7, "v", "_v.mp4")],
            id="of-an-update-held-back",
        ),
        pytest.param(
            {"pictures": [row(None, file_id="face"), row(None, file_id=None)]},
            [(7, "face", "avatar.jpg")],
            id="profile-picture",
        ),
        pytest.param(
            {
                "to_telegram": [
                    row(
                        {
                            "message": {
                                "media": "https://drive.example/a/x.png?token=1",
                                "thumbnail": "https://drive.example/small",
                                "reply_to": {"message": {"media": "https://drive.example/other"}},
                            }
                        }
                    ),
                    row({"message": {"media": "", "file_name": "x"}}),
                    row({"message": {"media": "file:///etc/passwd"}}),
                    row("no document"),
                ]
            },
            [("https://drive.example/a/x.png?token=1", "x.png")],
            id="of-managers",
        ),
        pytest.param(
            {"to_kommo": [update(photo=SIZES), update(photo=SIZES), update(text="hi")]},
            [(7, "large", "photo.jpg")],
            id="each-once",
        ),
    ],
)
def test_every_file_is_found_once(rows, found):
    """A client's by Telegram's id, a manager's by its address."""
    files = files_in(rows)
    assert all(isinstance(file, BotFile | WebFile) for file in files)
    assert [names(file) for file in files] == found
