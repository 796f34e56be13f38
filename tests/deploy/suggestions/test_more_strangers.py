"""Files from ten more countries, in their own encodings, marks and words: suggested, loaded, and read right."""

# ruff: noqa: RUF001 - other alphabets

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from common.config.lake_settings import LakeSettings
from common.sources.mapping.model import Source
from deploy.feeds.check import checked
from deploy.feeds.targets import target_of
from deploy.suggestions.suggest import suggested

pytestmark = pytest.mark.unit

DAY = datetime(2024, 11, 28, tzinfo=UTC)
POLISH = (
    "Nr paragonu;Data sprzedaży;Kod towaru;Nazwa;Ilość;Cena\nP/1;28.11.2024;T1;Łosoś wędzony;2,5;1 234,50 zł\n"
    "P/2;29.11.2024;T2;Żółty ser;1;12,00 zł\n"
)
TURKISH = (
    "Fiş No;Tarih;Ürün Kodu;Ürün Adı;Miktar;Birim Fiyat\n1;28.11.2024;U1;Şeker çayı ığdır;2,5;1.234,50\n"
    "2;29.11.2024;U2;Buğday;1;12,00\n"
)
RUSSIAN = (
    "Номер чека;Дата продажи;Код товара;Наименование;Количество;Цена\n"
    "1;28.11.2024;А1;Чай зелёный листовой;2,5;1 234,50\n"
    "2;29.11.2024;А2;Сыр российский;1;12,00\n"
)
GREEK = (
    "Παραστατικό;Ημερομηνία;Κωδικός;Περιγραφή;Ποσότητα;Τιμή\n1;28/11/2024;A1;Πράσινο τσάι;2,5;1.234,50\n"
    "2;29/11/2024;A2;Φέτα;1;12,00\n"
)
JAPANESE = (
    "伝票番号,販売日,商品コード,商品名,数量,単価\n1,2024年11月28日,A1,緑茶,2.5,1234.50\n2,2024年11月29日,A2,水,1,12\n"
)
KOREAN = '주문번호,날짜,상품,상품명,수량,단가\n1,2024-11-28,A1,녹차,2.5,"1,234.50"\n2,2024-11-29,A2,물,1,12.00\n'
CHINESE = "订单号,日期,商品编号,商品名称,数量,单价\n1,2024/11/28,A1,绿茶,2.5,1234.50\n2,2024/11/29,A2,水,1,12.00\n"
INDIAN = (
    'Invoice No,Invoice Date,Item Code,Description,Qty,Rate\nI1,28-11-2024,S1,Tea,2.5,"1,23,456.50"\n'
    'I2,29-11-2024,S2,Rice,1,"12.00"\n'
)
FRENCH = (
    "Ticket;Date de vente;Référence;Désignation;Quantité;Prix unitaire\n1;28/11/2024;R1;Thé;2,5;1\u202f234,50 €\n"
    "2;29/11/2024;R2;Café;1;12,00 €\n"
)
EXCEL = (
    "\ufeffsep=;\r\nOrder;Date;SKU;Title;Units;Price\r\n1;28/11/2024;S1;Tea;2,5;1234,50\r\n"
    "2;29/11/2024;S2;Salt;1;12,00\r\n"
)


@pytest.mark.parametrize(
    ("text", "codec", "encoding", "price"),
    [
        (POLISH, "cp1250", "cp1250", "1234.5"),
        (TURKISH, "cp1254", "cp1254", "1234.5"),
        (RUSSIAN, "cp1251", "cp1251", "1234.5"),
        (RUSSIAN, "koi8-r", "koi8-r", "1234.5"),
        (GREEK, "cp1253", "cp1253", "1234.5"),
        (JAPANESE, "shift_jis", "shift_jis", "1234.5"),
        (KOREAN, "cp949", "cp949", "1234.5"),
        (CHINESE, "gb18030", "gb18030", "1234.5"),
        (INDIAN, "ascii", "utf-8", "123456.5"),
        (FRENCH, "utf-8", "utf-8", "1234.5"),
        (EXCEL, "utf-8", "utf-8", "1234.5"),
    ],
)
def test_a_till_file_of_another_country_is_read_right(
    tmp_path: Path, text: str, codec: str, encoding: str, price: str
) -> None:
    (tmp_path / "sales.csv").write_bytes(text.encode(codec))
    target = target_of("forecast.ingest")
    source = Source.parse(suggested(str(tmp_path), target, LakeSettings()).text, name="suggested")
    assert source.encoding == encoding
    found = checked(source, target, str(tmp_path), LakeSettings()).findings
    assert dict(found.fates) == {"published": 2}
    values = found.first[0].values
    assert values["sold_at"] == DAY
    assert values["quantity"] == pytest.approx(2.5)
    assert values["unit_price"] == Decimal(price)
    assert values["item_id"]


def test_a_column_of_cards_is_no_terminal(tmp_path: Path) -> None:
    lines = "".join(f"T{n},4/{n + 1}/2024,4111111111111111,C{n},R{n % 2},9.50\n" for n in range(6))
    (tmp_path / "pos.csv").write_text(f"Transaction ID,Date,Card Number,Customer ID,Register,Amount\n{lines}")
    made = suggested(str(tmp_path), target_of("fraud.ingest"), LakeSettings())
    assert made.columns["terminal_id"] == "Register"
