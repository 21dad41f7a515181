"""Fields that Bot API servers of earlier versions do not send."""

NEWER = frozenset(
    {
        # Bot API 10.x, 9.x: see the changelog of the Bot API
        "persistent_id", "allows_revoting", "members_only", "description", "media",
        "added_by_user", "added_by_chat", "addition_date", "option_persistent_ids",
        "country_codes", "correct_option_ids", "explanation_media", "qualities",
        "live_photo", "rich_message", "is_premium", "can_edit_tag", "can_send_welcome_messages",
        "sender_tag", "is_upgrade_separate", "unique_gift_number", "gift_id", "has_colors",
        "rating", "paid_message_star_count", "completed_by_chat", "origin", "link", "entities",
        "start_timestamp", "cover", "direct_messages_topic", "reply_to_checklist_task_id",
    }
)  # fmt: skip
