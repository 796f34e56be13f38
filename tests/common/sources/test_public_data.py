"""Presets of public data sets, each on rows in the layout of its files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source
from jobs.clickstream.events.columns import TARGET
from jobs.forecast.sales.tables import SALES_FEED
from jobs.fraud.transactions.tables import LABEL_FEED, TRANSACTION_FEED

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
Taken = Callable[[str, StructType, str], list[dict[str, Any]]]


@pytest.fixture
def taken(inbox: Path, read: Read) -> Taken:
    """The rows of a file with this text, mapped by a preset; none of them has a reason."""

    def rows(name: str, target: StructType, text: str) -> list[dict[str, Any]]:
        (inbox / "data.csv").write_text(text)
        source = Source.load(name)
        mapped = canonical(read(inbox, source), source, target).orderBy("_line").collect()
        assert {row["_reason"] for row in mapped} == {None}
        return [row.asDict() for row in mapped]

    return rows


def picked(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type, misc]


def test_rees46_csv(taken: Taken) -> None:
    text = (
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
        "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde\n"
        "2019-10-01 00:00:04 UTC,cart,1004856,2053013555631882655,electronics.smartphone,samsung,130.76,5,a2\n"
    )
    rows = taken("rees46_csv", TARGET, text)
    assert picked(rows, "event_name", "item_id", "price", "item_category") == [
        ("view_item", "44600062", "35.79", None),
        ("add_to_cart", "1004856", "130.76", "electronics.smartphone"),
    ]
    assert rows[0]["collector_tstamp"] == "2019-10-01 00:00:00 UTC"


def test_retailrocket(taken: Taken) -> None:
    text = (
        "timestamp,visitorid,event,itemid,transactionid\n"
        "1433221332117,257597,view,355908,\n"
        "1433222276276,599528,transaction,356475,4000\n"
    )
    rows = taken("retailrocket", TARGET, text)
    names = ("event_name", "collector_tstamp", "domain_userid", "item_id", "transaction_id")
    assert picked(rows, *names) == [
        ("view_item", "2015-06-02T05:02:12.117000Z", "257597", "355908", None),
        ("purchase", "2015-06-02T05:17:56.276000Z", "599528", "356475", "4000"),
    ]


def test_yoochoose(taken: Taken) -> None:
    clicks = taken("yoochoose_clicks", TARGET, "1,2014-04-07T10:51:09.277Z,214536502,0\n")
    assert picked(clicks, "event_name", "domain_userid", "item_id", "item_category") == [
        ("view_item", "1", "214536502", "0")
    ]
    text = "420374,2014-04-06T18:44:58.314Z,214537888,12462,1\n420374,2014-04-06T18:44:58.325Z,214537850,0,0\n"
    buys = taken("yoochoose_buys", TARGET, text)
    assert picked(buys, "event_name", "transaction_id", "item_id", "price", "quantity") == [
        ("purchase", "420374", "214537888", "12462", "1"),
        ("purchase", "420374", "214537850", None, None),
    ]


def test_shopify_orders(taken: Taken) -> None:
    text = (
        "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
        "Lineitem sku,Notes,Id\n"
        '#1001,a@shop.example,paid,EUR,92.00,2024-05-06 10:01:00 +0200,2,Cup - red,10.00,CUP-R,"ring\ntwice",5\n'
        "#1001,a@shop.example,,,,2024-05-06 10:01:00 +0200,1,Pot,72.00,,,\n"
    )
    rows = taken("shopify_orders", SALES_FEED, text)
    assert picked(rows, "invoice_id", "item_id", "quantity", "unit_price", "currency") == [
        ("#1001", "CUP-R", 2.0, Decimal(10), "EUR"),
        ("#1001", "Pot", 1.0, Decimal(72), None),
    ]
    assert picked(rows, "sold_at") == [(at(2024, 5, 6, 8, 1),)] * 2


def test_m5_and_nixtla(taken: Taken) -> None:
    text = (
        "id,item_id,dept_id,cat_id,store_id,state_id,d,sales\n"
        "HOBBIES_1_001_CA_1_validation,HOBBIES_1_001,HOBBIES_1,HOBBIES,CA_1,CA,d_1,0\n"
        "HOBBIES_1_001_CA_1_validation,HOBBIES_1_001,HOBBIES_1,HOBBIES,CA_1,CA,d_1913,1\n"
    )
    rows = taken("m5", SALES_FEED, text)
    # The last day of the training data is 24 April 2016.
    assert picked(rows, "unique_id", "ds", "y") == [
        ("HOBBIES_1_001_CA_1", at(2011, 1, 29), 0.0),
        ("HOBBIES_1_001_CA_1", at(2016, 4, 24), 1.0),
    ]
    rows = taken("nixtla", SALES_FEED, "unique_id,ds,y\nAirPassengers,1949-01-31,112.0\nY1,1950,7\n")
    assert picked(rows, "unique_id", "ds", "y") == [
        ("AirPassengers", at(1949, 1, 31), 112.0),
        ("Y1", at(1950, 1, 1), 7.0),
    ]


def test_favorita(taken: Taken) -> None:
    text = (
        "id,date,store_nbr,item_nbr,unit_sales,onpromotion\n"
        "0,2013-01-01,25,103665,7.0,\n"
        "125497039,2017-08-15,54,2089339,-4.0,False\n"
        "125497040,2017-08-15,54,2089340,1.0,True\n"
        "125497041,2017-08-15,54,2089341,9.0,8\n"
        "125497042,2017-08-15,54,2089342,9.0,0\n"
    )
    rows = taken("favorita", SALES_FEED, text)
    assert picked(rows, "invoice_id", "store", "item_id", "quantity")[:2] == [
        ("0", "25", "103665", 7.0),
        ("125497039", "54", "2089339", -4.0),
    ]
    assert picked(rows, "promotion") == [(None,), (False,), (True,), (True,), (False,)]
    # Midnight in Ecuador is five in UTC.
    assert picked(rows, "sold_at")[:2] == [(at(2013, 1, 1, 5),), (at(2017, 8, 15, 5),)]


SPARKOV = (
    ",trans_date_trans_time,cc_num,merchant,category,amt,first,last,gender,street,city,state,zip,lat,long,city_pop,job,"
    "dob,trans_num,unix_time,merch_lat,merch_long,is_fraud\n"
    '0,2019-01-01 00:00:18,2703186189652095,"fraud_Rippin, Kub and Mann",misc_net,4.97,Jennifer,Banks,F,561 Perry Cove,'
    "Moravian Falls,NC,28654,36.0788,-81.1781,3495,Psychologist,1988-03-09,0b242abb623afc578575680df30655b9,1325376018,"
    "36.011293,-82.048315,0\n"
)


def test_sparkov(taken: Taken) -> None:
    (row,) = taken("sparkov", TRANSACTION_FEED, SPARKOV)
    assert (row["transaction_id"], row["customer_id"]) == ("0b242abb623afc578575680df30655b9", "2703186189652095")
    assert (row["merchant_id"], row["merchant_category"]) == ("fraud_Rippin, Kub and Mann", "misc_net")
    assert (row["tx_amount"], row["tx_datetime"]) == (Decimal("4.97"), at(2019, 1, 1, 0, 0, 18))
    assert (row["customer_lat"], row["customer_lon"]) == (36.0788, -81.1781)
    assert (row["merchant_lat"], row["merchant_lon"]) == (36.011293, -82.048315)
    (label,) = taken("sparkov_labels", LABEL_FEED, SPARKOV)
    assert (label["transaction_id"], label["is_fraud"]) == (row["transaction_id"], False)


def test_ulb_creditcard(taken: Taken) -> None:
    lines = ['"Time","V1","V2","Amount","Class"', '0,-1.3598071336738,-0.0727,149.62,"0"', '1e+05,1.19,0.26,2.69,"1"']
    text = "\n".join(lines) + "\n"
    rows = taken("ulb_creditcard", TRANSACTION_FEED, text)
    assert picked(rows, "tx_datetime", "tx_amount") == [
        (at(2013, 9, 1), Decimal("149.62")),
        (at(2013, 9, 2, 3, 46, 40), Decimal("2.69")),
    ]
    assert len({row["transaction_id"] for row in rows}) == 2
    labels = taken("ulb_creditcard_labels", LABEL_FEED, text)
    assert picked(labels, "transaction_id", "is_fraud") == [
        (rows[0]["transaction_id"], False),
        (rows[1]["transaction_id"], True),
    ]
