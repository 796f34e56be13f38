"""What a user agent says about the device it runs on, kept apart from what it says about itself.

The names of devices are free text, and some hold a machine's word: CUBOT and XBot are makes of phones.
"""

from __future__ import annotations

import re

# Android names the model after its version and, in old releases, the locale. Browsers for some markets leave out the
# brackets. A bot that writes its own name there adds a version or an address, which models do not have.
_MODEL = re.compile(
    r"(android[ /-]?[^;()]{0,20}; ?(?:[a-z]{2}(?:[-_][a-z]{2,4})?; ?)?)"
    r"(?!compatible|[^;()]{0,60}(?:https?:|[+@][a-z]|(?:bot|spider|crawler)/\d))"
    r"[^;()]{1,80}?(?=;|\)|\(| build/| applewebkit|$)",
    re.IGNORECASE,
)
# What apps add about themselves and the device: Facebook's block, WhatsApp's device, the build of Android.
# HbbTV and CE-HTML have televisions list their maker, model and firmware in brackets.
_BLOCKS = re.compile(
    r"hbbtv/\S+ \([^()]*\)|\((?![^()]*(?:https?:|@|\+[a-z]))[^(),]*,[^(),]*,[^()]*\)|"
    r"\[?\bfb(?:an|av|ios|_iab|dv|cr|bv)/[^\]]*\]?|\bdevice/\S+|\bbuild/[^;)\s]+|\bmodel/\S+",
    re.IGNORECASE,
)

# Programs on phones, players, watches and televisions. Many send an agent of their own making.
_HANDSET = re.compile(
    r"dalvik/|android[ /;-]*\d|[;(/] ?android\b|iphone|ipad|ipod|\bios(?:[ /;,)\d]|$)|cfnetwork|watch ?os"
    r"|\bwatch\d{1,2},\d"
    r"|apple watch|tvos\b|apple ?tv|\bapp for |exoplayer|applecoremedia|whatsapp/\S+ \S+ device/",
    re.IGNORECASE,
)
_IN_APP = re.compile(r"; ?wv\)|\[fb(?:an|av)/|micromessenger|\bline/\d|instagram \d", re.IGNORECASE)

_SYSTEMS = (
    r"android|iphone|ipad|ipod|\bios(?:[ /;,)\d]|$)|ipados|watch ?os|tvos|darwin|cfnetwork|\bwindows\b"
    r"|\bwin(?:nt|\d\d)\b"
    r"|\bx(?:64|86)\b|macintosh|mac ?os|macbook|imac|linux|x11|cros\b|dalvik|symbian|series ?[346]0"
    r"|openvms|motif|sunos|irix|hp-ux|aix|bsd\b|amiga|beos|haiku|os/2|risc os|bada|brew|maui|tizen|web0s|webos"
    r"|kaios|sailfish|vizios"
)
_HANDSETS = (
    r"midp|cldc|up\.browser|netfront|obigo|teleca|openwave|blackberry|bb10|mtk|nokia|sonyericsson|samsung"
    r"|^sam-|^sec-|sgh-"
    r"|^lg[-/ e]|^mot|motorola|^sie-|siemens|alcatel|huawei|^zte|lenovo|philips|panasonic|sharp|sanyo|sagem|toshiba"
    r"|pantech|kyocera|haier|htc|palm|treo|vodafone|docomo|kddi|j-phone|softbank|kindle|nook\b|silk|wap|gionee"
    r"|micromax"
    r"|karbonn|spice|lava|maxx|intex|jio|mmp/|configuration/|benq|bird|dopod|hisense|i-mobile|nec-|qtek"
    r"|t-mobile|tianyu"
    r"|vertu|portalmmm|amoi|acer|asus|k-touch|coolpad|tcl|playbook|sony|vk\d|o2-?x|xda|xiino|blazer|ereader"
    r"|\bmsm\d{4}|\bqcom\b|\bmt\d{4}\b|exynos"
)
_SCREENS = (
    r"playstation|nintendo|xbox|sega|roku|smart-?(?:tv|hub)|hbbtv|appletv|googletv|crkey|viera|bravia|aquos|netcast"
    r"|dlna|upnp|espial|vestel|loewe|grundig|humax|skyworth|technisat|sagemcom|arris|changhong|konka|hitachi|jvc"
    r"|\w*tv\b|\bott\b|\bstb\b|set-?top|amazon;(?:aft|echo)|\baft[a-z]{1,6}\b|kodi|xbmc|maple"
    r"|vizio|chromecast|sonos|garmin|fitbit|apple watch|homepod|\becho\b"
)
_PROGRAMS = (
    r"mozilla|opera|\bopr/|ucweb|ucbrowser|juc|mqqbrowser|lynx|links|w3m|elinks|emacs|dillo|netsurf|konqueror|safari"
    r"|firefox|webkit|msie|trident|mosaic|vlc|applecoremedia|itunes|lavf|stagefright|exoplayer|nsplayer|winamp"
    r"|quicktime|\bfban/|galaxyclient|(?<!web)browser/|chrome[ /]\d|edge?[ /]\d"
)
# What apps tell where they name no system: what they are for, the id of their package, their build, the language and
# the screen of who uses them.
_APPS = (
    r"\bbuild[ :/]?\d|scale/\d|\b\d{3,4}x\d{3,4}\b|\d{3}dpi|electron/|^microsoft (?:office|outlook|excel|word"
    r"|lync|teams)"
    r"|messenger|wechat|telegram[ /]\d|skype[ /]\d|(?-i:\b[a-z]{2}[-_][A-Z]{2}\b)"
    r"|player\b|\bmusic\b|\bradio\b|\b(?:mobile|desktop|universal) ?app\b|podcast (?:app|client)\b|\bwebview\b"
    r"|^(?:[a-z]{2}|com|net|org)\.[a-z][a-z0-9_-]+\.[a-z][a-z0-9_.-]*(?:[ /]|$)"
)
# Programs and apps that are known by their name alone.
_KNOWN = (
    r"thunderbird|lotus-?notes|the bat!|airmail|postbox|outlook|onenote|onedrive|dropbox|nextcloud|owncloud"
    r"|evernote|zoom/"
    r"|davx|torrent\b|torrent/|transmission/|vuze|azureus|deluge|steam\b|battle\.net|epicgames|foobar2000"
    r"|clementine|amarok|\bmpv\b"
    r"|audacious|rhythmbox|musicbee|banshee|audible|amazonmusic|deezer|tidal/|zune/|spotify|soundcloud|shazam"
    r"|libreoffice"
    r"|adobe|acrobat|discord/|snapchat|instagram|twitter[ /]|facebook[ /]|pinterest[ /]|tiktok|musical_ly"
    r"|linkedin[ /]|reddit/"
    r"|netflix|youtube|twitch/|disney|ebay|aliexpress|amazonshop|alipay|weibo|\bqq/|kakao|naver\(|line/\d"
    r"|yandex\.music"
    r"|opera news|webos|wattpad|duolingo|strava|booking\.com|tinder|waze|teamviewer|anydesk|minecraft|roblox"
    r"|unityplayer"
    r"|unreal ?engine|avira|antivir|avast|kaspersky|f-secure|ccleaner|mattermost|jitsi|bitwarden|imessage"
    r"|siri\b|handbrake|jiosaavn|bixby|\bgsa/|garageband|logic pro|final cut|xcode|airsonic|podkicker"
    r"|antennapod|pocket ?casts|castbox|player ?fm"
)
_PEOPLE = re.compile("|".join((_SYSTEMS, _HANDSETS, _SCREENS, _PROGRAMS, _APPS, _KNOWN)), re.IGNORECASE)
_SYSTEM = re.compile(_SYSTEMS, re.IGNORECASE)


def without_device(agent: str) -> str:
    """The agent without what it says about its device: what is left are the words of the program."""
    return _BLOCKS.sub(" ", _MODEL.sub(r"\1 ", agent))


def on_handset(agent: str) -> bool:
    """Whether the agent says that it runs on a phone, tablet, watch, player or television."""
    return _HANDSET.search(agent) is not None


def inside_app(agent: str) -> bool:
    """Whether the agent is that of a browser inside an app."""
    return _IN_APP.search(agent) is not None


def names_device(agent: str) -> bool:
    """Whether the agent holds a word that only people's devices and programs carry."""
    return _PEOPLE.search(agent) is not None


def names_system(agent: str) -> bool:
    """Whether the agent names an operating system that people use."""
    return _SYSTEM.search(agent) is not None
