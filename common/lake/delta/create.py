"""How tables come to be on storage: properties, statistics columns, additions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql.types import DateType, NumericType, StringType, StructField, TimestampNTZType, TimestampType

from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_METASTORE_CLIENT = "spark.hadoop.hive.metastore.client.factory.class"


def statistics_columns(table: Table) -> list[str]:
    """The columns whose minimum and maximum may be in the Delta log: never personal ones.

    The day column is left out because Delta keeps the partition value anyway.
    """
    kinds = (NumericType, DateType, TimestampType, TimestampNTZType, StringType)
    return [
        field.name
        for field in table.schema.fields
        if isinstance(field.dataType, kinds)
        and field.name not in table.personal_columns
        and field.name != table.day_column
    ]


def properties(table: Table) -> dict[str, str]:
    """The Delta table properties of a declaration."""
    columns = statistics_columns(table)
    found = {
        "delta.deletedFileRetentionDuration": f"interval {table.deleted_files_retention_hours} hours",
        "delta.enableChangeDataFeed": str(table.layer == "silver").lower(),
        # Delta does nothing by these: maintenance deletes older days.
        "lakejobs.retentionDays": str(table.retention_days),
    }
    if table.retention_column or table.day_column:
        found["lakejobs.retentionColumn"] = str(table.retention_column or table.day_column)
    if columns:
        found["delta.dataSkippingStatsColumns"] = ",".join(f"`{name}`" for name in columns)
    else:
        found["delta.dataSkippingNumIndexedCols"] = "0"
    return found


def create_table(spark: SparkSession, table: Table, path: str) -> None:
    """Create the empty table at ``path`` unless it is there."""
    from delta.tables import DeltaTable

    builder = DeltaTable.createIfNotExists(spark).location(path).addColumns(table.schema)
    if table.day_column:
        builder = builder.partitionedBy(table.day_column)
    if table.description:
        builder = builder.comment(table.description)
    for key, value in properties(table).items():
        builder = builder.property(key, value)
    builder.execute()


def register_table(spark: SparkSession, table: Table, path: str) -> None:
    """Name the table in the session's catalogue (Glue on EMR) unless that is done; its files stay at ``path``."""
    location = catalogue_location(path, spark.conf.get(_METASTORE_CLIENT, "") or "")
    spark.sql(f"CREATE DATABASE IF NOT EXISTS `{table.family}`")
    spark.sql(f"CREATE TABLE IF NOT EXISTS `{table.family}`.`{table.short_name}` USING DELTA LOCATION '{location}'")


def catalogue_location(path: str, metastore_client: str) -> str:
    """The location of a table in the catalogue: Athena reads Glue's tables at ``s3://`` only, and EMR knows it too."""
    return path.replace("s3a://", "s3://", 1) if ".AWSGlue" in metastore_client else path


def allow_nulls(spark: SparkSession, path: str, names: Sequence[str]) -> None:
    """Let columns be null that never could be: every row that lies there stays valid."""
    for name in names:
        spark.sql(f"ALTER TABLE delta.`{path}` ALTER COLUMN `{name}` DROP NOT NULL")


def add_columns(spark: SparkSession, table: Table, path: str, fields: Sequence[StructField]) -> None:
    """Add nullable columns by an explicit ALTER, and bring the statistics columns up to date with them."""
    columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in fields)
    spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({columns})")
    assignments = ", ".join(f"'{key}' = '{value}'" for key, value in properties(table).items())
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES ({assignments})")
