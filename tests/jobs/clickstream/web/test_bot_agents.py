"""Bots recognised by their user agent."""

from __future__ import annotations

import re

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from jobs.clickstream.web.bot_agents import BLANK, LISTED, evidence

pytestmark = pytest.mark.unit

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)

PEOPLE = [
    CHROME,
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:27.0) Gecko/20100101 Firefox/27.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 "
    "Mobile/15E148 Safari/604.1 (Ecosia ios@9.2.3.1367)",
    "Mozilla/5.0 (Linux; Android 6.0; CUBOT MAX Build/MRA58K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 2.3.3; en-us; HTC Status Build/GRI40) AppleWebKit/533.1 (KHTML, like Gecko) "
    "Version/4.0 Mobile Safari/533.1",
    "Mozilla/5.0 (Linux; Android 10; SM-G973F; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/85.0 "
    "Mobile Safari/537.36 trill_2021806060 JsSdk/1.0 BytedanceWebview/d8a21c6",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; ARM; Touch; NOKIA; Lumia 920)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0; Embedded Web Browser from: http://bsalsa.com/; .NET CLR 2.0)",
    "Mozilla/5.0 (compatible; Konqueror/4.4; Linux) KHTML/4.4.5 (like Gecko)",
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80 (S60; SymbOS; Opera Mobi/23.348; U; en) Presto/2.5.25 Version/10.54",
    "BlackBerry8520/5.0.0.681 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/600",
    "Nokia6230/2.0 (04.44) Profile/MIDP-2.0 Configuration/CLDC-1.1",
    "Dalvik/2.1.0 (Linux; U; Android 9; SM-G965U Build/PPR1.180610.011)",
    "ShopApp/3.2 CFNetwork/808.3 Darwin/16.3.0",
    "Lynx/2.8.7rel.2 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/1.0.1f",
    "AndroidDownloadManager/5.1.1 (Linux; U; Android 5.1.1; SM-J120G Build/LMY47X)",
    "Roku/DVP-9.10 (519.10E04111A)",
    "User-Agent: " + CHROME,
    # Browsers for some markets leave out the brackets.
    "Mozilla/5.0 Linux; Android 9; Acme One Build/PPR1 AppleWebKit/537.36 KHTML, like Gecko Chrome/74.0 Mobile",
    # The names of devices, and of apps, are free text.
    "Mozilla/5.0 (Linux; Android 8.1.0; Robot Spider 3) AppleWebKit/537.36 Chrome/87.0 Mobile Safari",
    "Mozilla/5.0 (Linux; U; Android 4.3; en-us; UltraSonic Pad Build/JLS36C) AppleWebKit/534.30 Safari",
    "Mozilla/5.0 (Linux; Android 9; Acme 9; wv) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari Viber/11.9",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) [FBAN/FBIOS;FBCR/Carrier.de;FBDV/iPhone11,6]",
    # Apps, players, watches and televisions have agents of their own making.
    "AcmeRadio By Acme.com/25.7 (Linux;Android 10) ExoPlayerLib/2.11.8",
    "PodcastTime/2 - Dalvik/2.1.0 (Linux; U; Android 6.0; Acme Build/MRA58K)",
    "com.acme.shop/3.18.0",
    "shop/1.0 watchOS/6.0 model/Watch3,2 hwp/t8004 build/17R55 (6; dt:154)",
    "Amazon;AFTXX;756a522d9f16;;player;3.202",
    "ACME V655-J09 AcmeOS/1.4.512 FreeStream/24.06 (remote, wired)",
    "Downloader/29 CFNetwork/1390 Darwin/22.0.0",
    "Microsoft Office OneNote/16.0 (Windows/10.0; Desktop x64; en-GB; Universal app; Acme/XPS)",
]

# Agents that were made coarse or unreadable to protect people.
REDUCED = [
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Chrome 124",
    "Mobile Safari",
    "[redacted]",
]

MACHINES = {
    "Mozilla/5.0 (compatible; NeverHeardOf/1.0)": "agent:form",
    "Mozilla/5.0 NeverHeardOf/1.0": "agent:form",
    "NeverHeardOf/1.0": "agent:form",
    CHROME + " (contact: admin@neverheardof.example)": "agent:address",
    CHROME + " (+neverheardof.org)": "agent:address",
    "Mozilla/5.0 (Windows NT 6.1; WOW64; rv:30.0) Gecko/20100101 Firefox/30.0 NeverHeardOfBot": "agent:crawler",
    "My-Custom-Spider": "agent:crawler",
    CHROME.replace("Chrome/", "HeadlessChrome/"): "agent:headless",
    "python-requests/2.31.0": "agent:library",
    "Java/1.8.0_151": "agent:library",
    "Site-Uptime-Monitor": "agent:monitor",
    # Such a name is a word of the program where no device stands before it.
    "Mozilla/5.0 (Linux; Android 8.1.0; Acme 3) AppleWebKit/537.36 Chrome/87.0 (compatible; XBot/2)": ("agent:crawler"),
    "Mozilla/5.0 (Linux; Android 7.0; Acmebot/1.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0": "agent:crawler",
    "Mozilla/5.0 (X11; Linux x86_64) NeverHeardOf/1.0": "agent:form",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko; compatible; NeverHeardOf)": "agent:form",
    "SomeFeed Reader/2.0 (4 subscribers)": "agent:feed reader",
    "LinkPreviewer (Linux x86_64)": "agent:fetcher",
    "Mozilla/5.0 (X11; Linux x86_64) VulnScanner": "agent:scanner",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; SomeGPT-User/1.0)": "agent:ai agent",
}


@pytest.mark.parametrize("agent", [*PEOPLE, *REDUCED])
def test_nothing_speaks_against_people(agent: str) -> None:
    assert evidence(agent) == []


@pytest.mark.parametrize(("agent", "expected"), MACHINES.items())
def test_bots_that_no_list_knows_are_recognised_by_words_and_form(agent: str, expected: str) -> None:
    assert expected in evidence(agent)


@pytest.mark.parametrize("agent", ["", "  ", "-", None])
def test_no_agent_at_all_is_evidence(agent: str | None) -> None:
    assert evidence(agent) == [BLANK]


def test_a_listed_crawler_is_named_as_listed() -> None:
    assert LISTED in evidence("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")


def test_a_bare_name_is_nothing_against_a_program_that_is_known() -> None:
    assert evidence("SomePlayback/4.8") == ["agent:form"]
    assert evidence("SomePlayback/4.8", is_known_program=True) == []


def test_every_crawler_of_the_list_is_found_and_nine_in_ten_without_the_list() -> None:
    # The rules were not made from the list, but were looked at beside it: a guard, not a measurement.
    agents = sorted({agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]})
    found = [evidence(agent) for agent in agents]
    without_list = [[sign for sign in signs if sign != LISTED] for signs in found]
    assert sum(map(bool, found)) / len(agents) > 0.99
    assert sum(map(bool, without_list)) / len(agents) > 0.90


def test_an_agent_of_a_megabyte_takes_no_time() -> None:
    # Each pattern is linear in the text: nested quantifiers would not come back from this one.
    assert evidence("a" * 20_000 + "@" * 20_000 + "(" * 10_000) != []


def test_the_order_of_evidence_is_fixed() -> None:
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    assert evidence(agent) == [LISTED, "agent:crawler", "agent:address", "agent:form"]
    assert all(re.fullmatch(r"agent:[a-z ]+", sign) for sign in evidence(agent))
