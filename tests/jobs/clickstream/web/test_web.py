"""URLs, campaign parameters and referrers."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.clickstream.web.addresses import with_page, with_referrer
from jobs.clickstream.web.referrers import load_referrers

pytestmark = pytest.mark.unit


def page(spark: SparkSession, url: str | None) -> dict[str, object]:
    rows = spark.createDataFrame([(url,)], "page_url string")
    return with_page(rows).collect()[0].asDict()


def referral(
    spark: SparkSession, referrer: str | None, host: str | None = "shop.example", sites: tuple[str, ...] = ()
) -> list[object]:
    rows = spark.createDataFrame([(referrer, host)], "page_referrer string, page_urlhost string")
    row = with_referrer(rows, load_referrers(), sites).collect()[0]
    return [row["refr_medium"], row["refr_source"], row["refr_term"]]


def test_a_whole_address_is_cut_into_its_parts(spark: SparkSession) -> None:
    found = page(spark, "HTTPS://user@Shop.Example.:8443/a/b.html?x=1#top")
    assert [found[f"page_url{part}"] for part in ("scheme", "host", "path", "query", "fragment")] == [
        "https",
        "shop.example",
        "/a/b.html",
        "x=1",
        "top",
    ]


def test_a_path_alone_has_no_host(spark: SparkSession) -> None:
    found = page(spark, "/blog/?page=2")
    assert (found["page_urlhost"], found["page_urlpath"], found["page_urlquery"]) == (None, "/blog/", "page=2")


@pytest.mark.parametrize(
    ("url", "path"),
    [("//blog/2024/post.html?x=1", "//blog/2024/post.html"), ("//wp-login.php", "//wp-login.php"), ("///a", "///a")],
)
def test_a_path_that_begins_with_two_slashes_is_no_host(spark: SparkSession, url: str, path: str) -> None:
    found = page(spark, url)
    assert (found["page_url"], found["page_urlhost"], found["page_urlpath"]) == (url, None, path)
    assert page(spark, "https://shop.example//a")["page_urlpath"] == "//a"


def test_campaign_and_referrer_that_a_feed_sends_stay_and_the_others_are_worked_out(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [
            (
                "https://shop.example/?utm_source=a&utm_medium=b&gclid=1",
                "mail",
                None,
                "https://google.com/",
                "newsletter",
            )
        ],
        "page_url string, mkt_source string, mkt_medium string, page_referrer string, refr_medium string",
    )
    row = with_referrer(with_page(rows), load_referrers()).collect()[0]
    assert (row["mkt_source"], row["mkt_medium"], row["mkt_network"]) == ("mail", "b", "Google")
    assert (row["refr_medium"], row["refr_urlhost"]) == ("newsletter", "google.com")


def test_no_address_gives_nulls_and_is_no_asset(spark: SparkSession) -> None:
    found = page(spark, None)
    assert found.pop("is_asset") is False
    assert set(found.values()) == {None}


def test_broken_addresses_raise_nothing(spark: SparkSession) -> None:
    urls = ["http://[broken", "::::", "http://a b/%zz?q=%zz&utm_source=%E4%", "?", "//", "é" * 300, "/?utm_source=%"]
    rows = with_page(spark.createDataFrame([(url,) for url in urls], "page_url string"))
    assert [row["page_url"] for row in rows.collect()] == urls


def test_campaign_parameters_are_decoded_whatever_their_case(spark: SparkSession) -> None:
    found = page(spark, "/?a=b&UTM_Source=news%20letter&utm_medium=e+mail&utm_campaign=100%&utm_term=&utm_content=x=y")
    assert [found[f"mkt_{name}"] for name in ("source", "medium", "campaign", "term", "content")] == [
        "news letter",
        "e mail",
        "100%",
        None,
        "x=y",
    ]


def test_the_first_of_two_values_counts_and_a_longer_name_is_another_one(spark: SparkSession) -> None:
    found = page(spark, "/?my_utm_source=no&utm_source=first&utm_source=second")
    assert found["mkt_source"] == "first"


def test_a_click_id_names_its_network(spark: SparkSession) -> None:
    found = page(spark, "/?msclkid=abc")
    assert (found["mkt_clickid"], found["mkt_network"]) == ("abc", "Microsoft")


def test_assets_are_recognised_by_their_extension_not_by_the_query(spark: SparkSession) -> None:
    answers = [page(spark, url)["is_asset"] for url in ("/a.PNG", "/a.png?v=1", "/a.html?i=x.png", "/pngs", "/a.css/b")]
    assert answers == [True, True, False, False, False]


def test_a_referrer_on_the_own_host_is_internal_with_or_without_www(spark: SparkSession) -> None:
    assert referral(spark, "http://www.shop.example/a") == ["internal", None, None]
    assert referral(spark, "http://shop.example/", host=None, sites=("WWW.shop.example",)) == ["internal", None, None]


def test_a_search_engine_is_known_in_every_country_and_tells_its_term(spark: SparkSession) -> None:
    assert referral(spark, "https://www.google.co.uk/search?hl=en&q=red+shoes") == ["search", "Google", "red shoes"]
    assert referral(spark, "https://de.search.yahoo.com/?p=rote%20Schuhe") == ["search", "Yahoo!", "rote Schuhe"]
    assert referral(spark, "https://www.google.com/") == ["search", "Google", None]


def test_a_parameter_of_another_engine_is_no_search_term(spark: SparkSession) -> None:
    assert referral(spark, "https://www.google.com/?wd=no") == ["search", "Google", None]
    assert referral(spark, "https://www.baidu.com/s?wd=yes") == ["search", "Baidu", "yes"]


def test_mail_is_distinguished_from_the_search_engine_of_the_same_company(spark: SparkSession) -> None:
    assert referral(spark, "https://mail.google.com/mail/u/0/") == ["email", "Gmail", None]


def test_social_and_unknown_referrers(spark: SparkSession) -> None:
    assert referral(spark, "https://t.co/xyz") == ["social", "Twitter", None]
    assert referral(spark, "https://unix.stackexchange.com/q/1") == ["social", "Stack Overflow", None]
    assert referral(spark, "http://notgoogle.example/?q=a") == ["unknown", None, None]
    assert referral(spark, None) == [None, None, None]


def test_a_text_that_is_no_address_is_no_referral(spark: SparkSession) -> None:
    assert referral(spark, "about:blank") == [None, None, None]
