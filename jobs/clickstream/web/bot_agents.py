"""Decides from its text alone whether a user agent belongs to a bot.

Three sources: the maintained list of crawler-user-agents (MIT), rules about what machines call themselves and their
work, and rules about how their agents are built. The last two are for machines that no list knows yet. Plain Python on
one text: callers pass each distinct agent once (see agents.py).
"""

from __future__ import annotations

import re
from functools import cache

LISTED = "agent:listed"
BLANK = "agent:blank"

# Words of people's devices and programs that hold a machine's word, taken out before those are looked for: the CUBOT
# phones are the well-known trap.
_HARMLESS = re.compile(
    r"cubot|abbott|talbot|like gecko|lynx/\S+ libwww\S*|embedded web browser from: ?https?://\S+|user[- ]?agent:?"
    r"|duckduckgo/\d+(?! cfnetwork)|bytedancewebview|monitor build|android ?download ?manager",
    re.IGNORECASE,
)

# What bots call themselves or do. A word boundary is required where the word is also part of other words.
_WORDS = {
    "crawler": r"bots?(?![a-z])|bot[-_/.\d]|robot|crawl|spider|spyder|slurp|scrap(?:e|y|ing)|harvest|grabber"
    r"|archiv|agent(?![a-z])"
    r"|index(?:er|ing)|search(?:bot|engine|er\b)|heritrix|nutch|larbin|ezooms|teoma|collector|survey|semantic|proximic|backlink"
    r"|mediapartners|adsense|adbeat|-google\b|googleweblight|duplexweb|sitemap|\bseo(?!ul)"
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
    "monitor": r"monitor|uptime|pingdom|\bping\b|health[-_ ]?check|checker"
    r"|(?:link|site|url|web|up|page)[-_ ]?check|validat|verif|audit(?!or)"
    r"|inspect|analyz|analys|nagios|zabbix|datadog|newrelic|catchpoint|dareboost|dmbrowser|dejaclick|gomez|alertsite|rigor\b|thousandeyes"
    r"|page ?speed|speed ?curve|gtmetrix|webpagetest|ptst/|lighthouse|apachebench|\bab/|siege/|jmeter|load ?test"
    r"|always-?online|brandverity|whois",
    "library": r"libwww|lwp[-:/]|urllib|httplib|\bhttp[-_ ]?(?:client|request|get|lib)|httpclient|python"
    r"|^java|java/1\.[4-9]|java client"
    r"|go-http|golang|^ruby|ruby[-/]\d|\bperl\b|^php|php/\d|node[-.]?(?:fetch|js|superagent)|axios|guzzle|aiohttp|httpx|reqwest|restsharp"
    r"|winhttp|faraday|mechanize|apache-http|jakarta|curl\b|snoopy|wordpress|drupal|joomla|zend_http|indy library"
    r"|xmlrpc|\bsoap|postman"
    r"|insomnia|clojure|erlang|libfetch",
    "scanner": r"scan(?:ner|ning)?(?![a-z])|sqlmap|nikto|nmap|masscan|zgrab|acunetix|nessus|burp|w3af"
    r"|dirbuster|openvas|censys|shodan|nuclei"
    r"|arachni|pentest|vulnerab|security[-_ ]?(?:audit|scan|research|test)|clamav|exploit|jorgee|zmeu|load_file\("
    r"|select\(",
    "headless": r"headless|phantomjs|slimerjs|casperjs|puppeteer|playwright|selenium|webdriver",
    "ai agent": r"gpt[-_/ ]|chatgpt|openai|anthropic|claude|perplexity|cohere\b|\bllm|diffbot"
    r"|\bai[-_ ]?(?:data|search|train)",
}

# Words that only people's programs carry: old browsers, handsets, players and apps that do not begin with Mozilla.
_PLATFORM = re.compile(
    r"mozilla|opera|android|iphone|ipad|ipod|ios[ /;)]|darwin|cfnetwork|windows (?:nt|phone|ce"
    r"|9)|macintosh|mac os|linux|x11|dalvik|symbian|series ?[346]0"
    r"|midp|cldc|up\.browser|netfront|obigo|teleca|openwave|blackberry|bb10|bada|brew|maui|mtk|nokia|sonyericsson"
    r"|samsung|^sam-|^sec-|sgh-|^lg[-/ e]"
    r"|^mot|motorola|^sie-|siemens|alcatel|huawei|^zte|lenovo|philips|panasonic|sharp|sanyo|sagem|toshiba|pantech|kyocera|haier|htc|palm|treo|vodafone"
    r"|docomo|kddi|j-phone|softbank|ucweb|ucbrowser|juc|mqqbrowser|playstation|nintendo|xbox|roku|smart-?tv|webos|tizen|hbbtv|appletv|googletv|crkey"
    r"|amiga|beos|haiku|os/2|risc|lynx|links|w3m|elinks|emacs|dillo|netsurf|konqueror|safari|firefox|webkit|msie|trident|vlc|applecoremedia|itunes"
    r"|lavf|stagefright|exoplayer|nsplayer|winamp|quicktime|kindle|silk|wap|gionee|micromax|karbonn|spice|lava|maxx|intex|jio|kaios|mmp/|configuration/"
    r"|benq|bird|dopod|hisense|i-mobile|nec-|qtek|t-mobile|tianyu|vertu|portalmmm|amoi|acer|asus|k-touch|coolpad"
    r"|tcl|playbook|kodi|maple|net ?tv|sony|vk\d|o2-?x|xda",
    re.IGNORECASE,
)
_OLD_BROWSERS = re.compile(
    r"msie|trident|konqueror|opera|netscape|netfront|symbian|amiga|ibrowse|abrowse|dillo|omniweb|webtv|icab|yandex\.?browser|galeon"
    r"|windows|macintosh|linux|x11|android|iphone|ipad|blackberry|googletv|webos|lotus|novarra|polaris|obigo|3gpp|nokia|safari|firefox"
)
_ADDRESS = re.compile(
    r"https?:|www\.[a-z0-9-]|[a-z0-9_.+-]+(?:@| at |[\[(]at[\])])[a-z0-9-]+(?:\.| dot )[a-z]{2,}"
    r"|\+[a-z0-9-]+\.[a-z]{2,}",
    re.IGNORECASE,
)
# The name of a site alone; old Internet Explorers carry those of the shops that sold them.
_DOMAIN = re.compile(r"(?<![.\w])[a-z0-9-]{3,}\.(?:com|org|io|ai|fr|de|co\.uk)(?![.\w])", re.IGNORECASE)


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


def evidence(agent: str | None) -> list[str]:
    """Evidence in a user agent that it is a bot, empty when there is none; the order is fixed.

    ``agent:blank`` for none at all, ``agent:listed`` for a match of the list, ``agent:<kind>`` for a word of that kind
    (crawler, feed reader, fetcher, monitor, library, scanner, headless, ai agent), ``agent:address`` for a contact
    address inside, ``agent:form`` for a text that no browser, handset or app for people would send.
    """
    text = (agent or "").strip()
    if text in ("", "-"):
        return [BLANK]
    found = [LISTED] if any(pattern.search(text) for pattern in _listed()) else []
    plain = _HARMLESS.sub(" ", text)
    found += [f"agent:{kind}" for kind, pattern in _words().items() if pattern.search(plain)]
    if _ADDRESS.search(plain) or (_DOMAIN.search(plain) and "MSIE" not in text):
        found.append("agent:address")
    if _is_oddly_built(text):
        found.append("agent:form")
    return found


def _is_oddly_built(text: str) -> bool:
    lower = text.lower()
    if not _PLATFORM.search(text):
        return True
    if not lower.startswith("mozilla/"):
        return False
    # "Mozilla/5.0 Name/1.0": people's browsers say where they run, in brackets.
    if "(" not in lower:
        return True
    comment = lower.partition("(")[2]
    return comment.startswith("compatible") and not _OLD_BROWSERS.search(comment)
