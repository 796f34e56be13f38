"""Decides from its text alone whether a user agent belongs to a bot.

Three sources: the maintained list of crawler-user-agents (MIT), rules about what machines call themselves and their
work, and rules about how their agents are built. The last two are for machines that no list knows yet. Plain Python on
one text: callers pass each distinct agent once (see agents.py).
"""

from __future__ import annotations

import re
from functools import cache

from jobs.clickstream.web import devices

LISTED = "agent:listed"
BLANK = "agent:blank"

# Words of people's devices and programs that hold a machine's word, taken out before those are looked for: the CUBOT
# phones are the well-known trap.
_HARMLESS = re.compile(
    r"cubot|abbott|talbot|like gecko|(?:lynx|mosaic).*?libwww\S*|embedded web browser from: ?https?://\S+"
    r"|user[- ]?agent:?|duckduckgo/\d+(?! cfnetwork)|bytedancewebview|monitor build|android ?download ?manager"
    r"|sogoumse|sogoumobilebrowser|sogousearch(?= android)|baiduboxapp\S*|whatsapp/\S+ \S+(?= device/)"
    r"|; https?://(?:www\.)?(?:kodi|xbmc)\S*|podcast (?:player|app)\b",
    re.IGNORECASE,
)

# What bots call themselves or do. A word boundary is required where the word is also part of other words.
_WORDS = {
    "crawler": r"bots?(?![a-z])|bot[-_/.\d]|robot|crawl|spider|spyder|slurp|scrap(?:e|y|ing)|harvest|grabber"
    r"|archiv|agent(?![a-z])"
    r"|index(?:er|ing)|search(?:bot|engine|er\b)|heritrix|nutch|larbin|ezooms|teoma|collector|survey|semantic"
    r"|proximic|backlink"
    r"|mediapartners|adsense|adbeat|-google\b|\bgoogle-(?!tv)[a-z]|lookup|parser\b|domains\b|lead ?(?:gen"
    r"|radar)|googleweblight|duplexweb|sitemap|\bseo(?!ul)"
    r"|yahoo[-!]? ?(?:cache|pipes|seeker|link)"
    r"|google(?:[-_]| )(?:favicon|web|page|search console|structured|site|cloud|http|adwords"
    r"|other|extended|inspection|read|partner|shopping)",
    "feed reader": r"feed(?!back)|\brss|rss\b|atom reader|aggregat|syndicat|podcast|newsreader"
    r"|news ?(?:blur|gator|beuter|now)"
    r"|blog(?:trottr|lovin|lines|search)|pubsub|subscribers?\b|akregator|liferea|simplepie|magpie|flipboard",
    "fetcher": r"fetch|(?:link|web|url|page|site|bing|image|skypeuri|slack)[-_ ]?preview|preview(?:er|bot)"
    r"|preview$|snippet|unfurl|onebox"
    r"|oembed|embed(?!ded)|externalhit|facebookcatalog|\bfacebot|thumb(?:nail|shots|ler)|screenshot"
    r"|site[-_ ]?capture|favicon|bookmark"
    r"|wget|web ?cop(?:y|ier)|webzip|httrack|site-?sucker|teleport ?pro|offline explorer|downloader"
    r"|download (?:ninja|master)"
    r"|siphon|ripper|prerender|prefetch|(?:web|image) ?proxy|transcoder",
    "monitor": r"monitor|diagnos|synthetic|uptime|pingdom|\bping\b|health[-_ ]?check|checker"
    r"|(?:link|site|url|web|up|page)[-_ ]?check|validat|verif|audit(?!or)"
    r"|inspect|analyz|analys|nagios|zabbix|datadog|newrelic|catchpoint|dareboost|dmbrowser|dejaclick|gomez"
    r"|alertsite|rigor\b|thousandeyes"
    r"|page ?speed|speed ?curve|gtmetrix|webpagetest|ptst/|lighthouse|apachebench|\bab/|siege/|jmeter|load ?test"
    r"|always-?online|brandverity|whois",
    "library": r"libwww|lwp[-:/]|urllib|httplib|\bhttp[-_ ]?(?:client|request|get|lib)|httpclient|python"
    r"|^java|java/1\.[4-9]|java client"
    r"|go-http|golang|^ruby|ruby[-/]\d|\bperl\b|^php|php/\d|node[-.]?(?:fetch|js|superagent)|axios|guzzle"
    r"|aiohttp|httpx|reqwest|restsharp"
    r"|winhttp|faraday|mechanize|apache-http|jakarta|curl\b|snoopy|wordpress|drupal|joomla|zend_http|indy library"
    r"|user[-_]?agent|xmlrpc|\bsoap|postman"
    r"|insomnia|clojure|erlang|libfetch",
    "scanner": r"scan(?:ner|ning|s)?(?![a-z])|\$\{|<\?|\brecon\b|fingerprint|sqlmap|nikto|nmap|masscan|zgrab"
    r"|acunetix|nessus|burp|w3af"
    r"|dirbuster|openvas|censys|shodan|nuclei"
    r"|arachni|pentest|vulnerab|security[-_ ]?(?:audit|scan|research|test)|clamav|exploit|jorgee|zmeu|load_file\("
    r"|select\(",
    "headless": r"headless|phantomjs|slimerjs|casperjs|puppeteer|playwright|selenium|webdriver",
    "ai agent": r"gpt[-_/ ]|chatgpt|openai|anthropic|claude|perplexity|cohere\b|\bllm|diffbot"
    r"|\bai[-_ ]?(?:data|search|train)",
}

_OLD_BROWSERS = re.compile(
    r"msie|trident|konqueror|opera|netscape|netfront|symbian|amiga|ibrowse|abrowse|dillo|omniweb|webtv|icab"
    r"|yandex\.?browser|galeon"
    r"|windows|macintosh|linux|x11|android|iphone|ipad|blackberry|googletv|webos|viera|smart-?tv|ms-office"
    r"|lotus|novarra|polaris|obigo|3gpp|nokia|safari|firefox"
)
_ADDRESS = re.compile(
    r"https?:|www\.[a-z0-9-]|[a-z0-9_.+-]+(?:@| at |[\[(]at[\])])[a-z0-9-]+(?:\.| dot )[a-z]{2,}"
    r"|\+[a-z0-9-]+\.[a-z]{2,}",
    re.IGNORECASE,
)
# The name of a site alone; old Internet Explorers carry those of the shops that sold them.
_DOMAIN = re.compile(r"(?<![.\w])[a-z0-9-]{3,}\.(?:com|org|io|ai|fr|de|co\.uk)(?![.\w])", re.IGNORECASE)


# Agents that a feed made unreadable or coarse, to protect people: a hash, a browser's bare name, a word in its place.
_REDUCED = re.compile(
    r"^(?:[0-9a-f]{32,128}|\W*(?:redacted|anonymi[sz]ed|masked|hidden|removed|not set|unknown)\W*"
    r"|(?:mobile |android |google |microsoft |samsung )?"
    r"(?:chrome|edge|safari|firefox|opera|internet(?: explorer)?|webview)(?: mobile)?(?:[ /]\d[\d.]{0,20})?)$",
    re.IGNORECASE,
)
_BARE_NAME = re.compile(r"(?!(?:[^/]*/){3})[^\s;]+(?: v?\d[\w.]*)?$")
# People's browsers name an engine after their system, and put nothing into the engine's brackets.
_NO_ENGINE = re.compile(
    r"mozilla/5\.0 \((?:windows nt|x11|macintosh)[^()]*\) ?(?!gecko|applewebkit|khtml)[\w.-]+/[\d.]+$"
)
_IN_ENGINE = re.compile(r"like gecko[;,] ?compatible")
_WORD_GOES_ON = re.compile(r"[a-z0-9]")
_APPS = {LISTED, "agent:feed reader", "agent:fetcher", "agent:library", "agent:address", "agent:form"}
_ORDER = (LISTED, *(f"agent:{kind}" for kind in _WORDS), "agent:address", "agent:form")


@cache
def _words() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(words, re.IGNORECASE) for kind, words in _WORDS.items()}


# Entries of the list for browsers inside apps and editors, which people use: a build of Android, two editors, two
# webviews.
_LISTED_PEOPLE = frozenset({r"AP3A\.240617\.008", r"Code\/1\.", r"Trae\/", "Fluid", "MetaIAB Facebook", "Hotjar"})


@cache
def _listed() -> tuple[re.Pattern[str], ...]:
    """The list's patterns in chunks: one alternation of all 1,500 is slower to compile and no faster to search."""
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    patterns = [
        f"(?:{entry['pattern']})" for entry in CRAWLER_USER_AGENTS_DATA if entry["pattern"] not in _LISTED_PEOPLE
    ]
    return tuple(re.compile("|".join(patterns[start : start + 50])) for start in range(0, len(patterns), 50))


def evidence(agent: str | None, *, is_known_program: bool = False) -> list[str]:
    """Evidence in a user agent that it is a bot, empty when there is none; the order is fixed.

    What an agent says about its device is left out of account, and an agent made unreadable or coarse to protect people
    (a hash, a bare name of a browser) is no evidence. ``is_known_program``: ua-parser knows the program, so its form is
    none either.

    ``agent:blank`` for none at all, ``agent:listed`` for a match of the list, ``agent:<kind>`` for a word of that kind
    (crawler, feed reader, fetcher, monitor, library, scanner, headless, ai agent), ``agent:address`` for a contact
    address inside, ``agent:form`` for a text that no browser, handset or app for people would send.
    """
    text = (agent or "").strip()
    if text in ("", "-"):
        return [BLANK]
    if _REDUCED.search(text):
        return []
    words = devices.without_device(_HARMLESS.sub(" ", text))
    found = {LISTED} if not devices.inside_app(text) and _is_listed(words) else set()
    found |= {f"agent:{kind}" for kind, pattern in _words().items() if pattern.search(words)}
    if _ADDRESS.search(words) or (_DOMAIN.search(words) and "MSIE" not in text):
        found.add("agent:address")
    if _is_oddly_built(text) and not is_known_program:
        found.add("agent:form")
    if devices.on_handset(text):
        # What reads feeds there is somebody's app; and apps, unlike browsers, name their libraries and their makers.
        found -= {"agent:feed reader"} if text.startswith("Mozilla/") else _APPS
    return [sign for sign in _ORDER if sign in found]


def _is_listed(words: str) -> bool:
    # In the middle of a word it is another word: "Sonic" is a crawler, and ViewSonic sells tablets.
    starts = (found.start() for pattern in _listed() for found in pattern.finditer(words))
    return any(start == 0 or not _WORD_GOES_ON.match(words, start - 1) for start in starts)


def _is_oddly_built(text: str) -> bool:
    lower = text.lower()
    if not lower.startswith("mozilla/"):
        # One word, perhaps with its version. Longer ones without a machine's word are apps that tell of their devices.
        return _BARE_NAME.match(text) is not None and not devices.names_device(text)
    # "Mozilla/5.0 Name/1.0": people's browsers say where they run, though not all of them in brackets.
    if "(" not in lower:
        return not devices.names_system(text)
    if (
        not devices.names_device(lower.removeprefix("mozilla/5.0"))
        or _NO_ENGINE.match(lower)
        or _IN_ENGINE.search(lower)
    ):
        return True
    comment = lower.partition("(")[2]
    return comment.startswith("compatible") and not _OLD_BROWSERS.search(comment) and not devices.names_system(comment)
