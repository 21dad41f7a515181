"""Which way an address is reached: every setting and variable, for each address alone."""

import pytest

from bot.errors import ConfigError
from bot.http.routes import proxy_from
from bot.settings.network import routes_from

KOMMO, LAN, LOCAL = "https://amojo.kommo.com", "http://192.0.2.7:8081", "http://127.0.0.1:8081"
FAR, NEAR = "http://proxy.example.com:3128", "http://127.0.0.1:3128"
SOCKS = "socks5://proxy.example.com:1080"


@pytest.mark.parametrize("is_upper", [False, True], ids=["lower", "upper"])
@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        pytest.param({}, KOMMO, None, id="none"),
        pytest.param({"no_proxy": "localhost,127.0.0.1"}, KOMMO, None, id="exceptions-alone"),
        pytest.param({"https_proxy": FAR}, KOMMO, FAR, id="https"),
        pytest.param({"https_proxy": FAR}, LAN, None, id="https-for-http"),
        pytest.param({"http_proxy": FAR}, KOMMO, None, id="http-for-https"),
        pytest.param({"http_proxy": FAR}, LAN, FAR, id="http"),
        pytest.param({"all_proxy": SOCKS}, KOMMO, SOCKS, id="all"),
        pytest.param({"all_proxy": SOCKS, "https_proxy": FAR}, KOMMO, FAR, id="https-before-all"),
        pytest.param({"all_proxy": SOCKS, "https_proxy": FAR}, LAN, SOCKS, id="all-for-the-rest"),
        pytest.param({"https_proxy": "proxy.example.com:3128"}, KOMMO, FAR, id="no-scheme"),
        pytest.param({"https_proxy": ""}, KOMMO, None, id="empty"),
        pytest.param({"all_proxy": FAR, "https_proxy": ""}, KOMMO, None, id="empty-before-all"),
        pytest.param({"https_proxy": FAR, "no_proxy": ".kommo.com"}, KOMMO, None, id="suffix"),
        pytest.param({"https_proxy": FAR, "no_proxy": "*.kommo.com"}, KOMMO, None, id="star"),
        pytest.param({"https_proxy": FAR, "no_proxy": "kommo.com"}, KOMMO, None, id="domain"),
        pytest.param({"https_proxy": FAR, "no_proxy": "KOMMO.com"}, KOMMO, None, id="capitals"),
        pytest.param({"https_proxy": FAR, "no_proxy": "ommo.com"}, KOMMO, FAR, id="half-a-word"),
        pytest.param({"https_proxy": FAR, "no_proxy": "*"}, KOMMO, None, id="everything"),
        pytest.param({"https_proxy": FAR, "no_proxy": "a.com, kommo.com"}, KOMMO, None, id="list"),
        pytest.param({"https_proxy": FAR, "no_proxy": "example.com"}, KOMMO, FAR, id="another"),
        pytest.param({"https_proxy": FAR, "no_proxy": "kommo.com:443"}, KOMMO, None, id="port"),
        pytest.param({"https_proxy": FAR, "no_proxy": "kommo.com:8"}, KOMMO, FAR, id="not-port"),
        pytest.param({"all_proxy": FAR, "no_proxy": "192.0.2.7"}, LAN, None, id="address"),
        pytest.param({"all_proxy": FAR, "no_proxy": "192.0.2.0/24"}, LAN, None, id="network"),
        pytest.param({"all_proxy": FAR, "no_proxy": "198.51.100.0/24"}, LAN, FAR, id="elsewhere"),
        pytest.param({"all_proxy": FAR, "no_proxy": "192.0.2.7:8081"}, LAN, None, id="with-port"),
        pytest.param({"all_proxy": FAR, "no_proxy": "[2001:db8::1]:80"}, "http://[2001:db8::1]",
                     None, id="ipv6"),
        pytest.param({"all_proxy": FAR}, LOCAL, None, id="this-machine"),
        pytest.param({"all_proxy": FAR}, "http://localhost:8081", None, id="localhost"),
        pytest.param({"all_proxy": FAR}, "http://[::1]:8081", None, id="this-machine-in-ipv6"),
        pytest.param({"all_proxy": NEAR}, LOCAL, NEAR, id="all-on-this-machine"),
        pytest.param({"all_proxy": NEAR, "no_proxy": "127.0.0.0/8"}, LOCAL, None, id="excepted"),
    ],
)  # fmt: skip
def test_the_usual_variables_are_decided_for_each_address(environ, url, proxy, is_upper):
    """They count in both cases; exceptions alone change nothing."""
    given = {name.upper() if is_upper else name: value for name, value in environ.items()}
    found = routes_from(given).proxy_for(url)
    assert (found and str(found)) == proxy


@pytest.mark.parametrize(
    ("setting", "exceptions", "environ", "proxy"),
    [
        pytest.param(SOCKS, None, {"HTTPS_PROXY": FAR}, SOCKS, id="setting-before-variable"),
        pytest.param(FAR, None, {"NO_PROXY": "kommo.com"}, None, id="excepted-by-the-variable"),
        pytest.param(FAR, [], {"NO_PROXY": "kommo.com"}, FAR, id="excepted-by-nothing"),
        pytest.param("", ["kommo.com"], {"HTTPS_PROXY": FAR}, None, id="excepted-by-the-setting"),
        pytest.param("none", None, {"HTTPS_PROXY": FAR}, None, id="none-at-all"),
        pytest.param("", None, {"HTTPS_PROXY": FAR}, FAR, id="variable"),
    ],
)
def test_the_settings_come_before_the_variables(setting, exceptions, environ, proxy):
    """One setting is enough for all servers, and can also turn the environment's proxy off."""
    found = routes_from(environ, setting, exceptions).proxy_for(KOMMO)
    assert (found and str(found)) == proxy


def test_a_name_and_a_password_are_read_and_not_shown():
    """Signs that an address cannot hold are written as in any address."""
    proxy = proxy_from("socks5h://ann:p%40ss%2Fword@proxy.example.com")
    assert (proxy.user, proxy.password, proxy.port) == ("ann", "p@ss/word", 1080)
    assert "p@ss" not in f"{proxy} {proxy!r}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("https://proxy.example.com:3128", id="another-kind"),
        pytest.param("socks4://proxy.example.com", id="old-socks"),
        pytest.param("http://", id="no-host"),
        pytest.param("http://proxy.example.com:99999", id="no-port"),
        pytest.param("http://proxy.example.com:0", id="port-zero"),
        pytest.param("http://proxy.example.com/path-s3cret", id="path"),
        pytest.param("http://:s3cret@proxy.example.com", id="password-alone"),
        pytest.param(f"http://a:{'s3cret' * 50}@proxy.example.com", id="long-password"),
        pytest.param("http://[s3cret", id="nonsense"),
        pytest.param("http://proxy s3cret", id="spaces"),
    ],
)
def test_what_is_no_proxy_is_said_without_quoting_it(text):
    """A wrong address may hold the password."""
    with pytest.raises(ConfigError) as caught:
        routes_from({"HTTPS_PROXY": text})
    [problem] = caught.value.problems
    assert (problem.path, problem.origin) == ("network.proxy", "$HTTPS_PROXY")
    assert "s3cret" not in str(caught.value)
