"""The functions that an expression of a source may call, and why the others may not be.

Listed are built-in functions of Spark that are in 3.5 and 4.1 alike and give, for the same values of one row, the same
result in every run. What is not listed is refused: a later Spark has functions that were not reviewed.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ALLOWED = _words(
    """
    bit_length btrim char char_length character_length chr concat concat_ws contains decode elt encode endswith
    find_in_set format_number format_string initcap instr lcase left len length levenshtein locate lower lpad ltrim
    luhn_check mask octet_length overlay position printf regexp regexp_count regexp_extract regexp_extract_all
    regexp_instr regexp_like regexp_replace regexp_substr repeat replace reverse right rlike rpad rtrim sentences
    soundex space split split_part startswith substr substring substring_index to_binary to_char to_number to_varchar
    translate trim try_to_binary try_to_number ucase upper ascii base64 unbase64 like ilike

    abs acos acosh asin asinh atan atan2 atanh bin bround cbrt ceil ceiling conv cos cosh cot csc degrees div
    e exp expm1
    factorial floor greatest hex hypot least ln log log10 log1p log2 mod negative pi pmod positive pow power radians
    rint round sec sign signum sin sinh sqrt tan tanh try_add try_divide try_multiply try_subtract unhex width_bucket
    bit_count bit_get getbit shiftleft shiftright shiftrightunsigned isnan nanvl

    add_months convert_timezone date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc dateadd
    datediff datepart day dayofmonth dayofweek dayofyear extract from_unixtime from_utc_timestamp hour
    last_day make_date
    make_dt_interval make_interval make_timestamp make_timestamp_ltz make_timestamp_ntz make_ym_interval minute month
    months_between next_day quarter second timestamp_micros timestamp_millis timestamp_seconds timestampadd
    timestampdiff to_timestamp to_utc_timestamp trunc try_to_timestamp unix_date unix_micros unix_millis unix_seconds
    weekday weekofyear year

    coalesce if ifnull nullif nvl nvl2 when equal_null isnotnull isnull

    cast try_cast bigint binary boolean date decimal double float int smallint string timestamp tinyint typeof

    array array_append array_compact array_contains array_distinct array_except array_insert array_intersect array_join
    array_max array_min array_position array_prepend array_remove array_repeat array_size array_sort array_union
    arrays_overlap arrays_zip cardinality element_at flatten get sequence size slice sort_array try_element_at
    aggregate exists filter forall map_filter map_zip_with reduce transform transform_keys transform_values zip_with
    map map_concat map_contains_key map_entries map_from_arrays map_from_entries map_keys map_values str_to_map
    named_struct struct

    from_json get_json_object json_array_length json_object_keys to_json from_csv to_csv parse_url url_decode url_encode
    xpath xpath_boolean xpath_double xpath_float xpath_int xpath_long xpath_number xpath_short xpath_string

    crc32 hash md5 sha sha1 sha2 xxhash64
    """
)

# Words of the grammar, and types with a length, that a bracket may follow.
GRAMMAR = _words(
    """
    and or not in case when then else between like ilike rlike regexp escape is distinct from as for both leading
    trailing div all dec numeric varchar character
    """
)

# Spark evaluates these without brackets too, wherever no column has their name.
BARE = {
    "current_date": "the clock",
    "current_time": "the clock",
    "current_timestamp": "the clock",
    "localtimestamp": "the clock",
    "current_user": "the session",
    "session_user": "the session",
    "user": "the session",
    "current_catalog": "the session",
    "current_database": "the session",
    "current_schema": "the session",
    "current_timezone": "the session",
    "grouping__id": "a query",
}

_REFUSED = {
    "a query": "select any every some over identifier grouping grouping_id range values sql_keywords",
    "a generator": (
        "explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple variant_explode "
        "variant_explode_outer"
    ),
    "a call into Java": "reflect java_method try_reflect",
    "chance": "rand random randn randstr uniform uuid shuffle aes_encrypt",
    "the clock": "now curdate unix_timestamp window session_window",
    "the session": "version python_worker_logs",
    "the place of a row": (
        "monotonically_increasing_id spark_partition_id input_file_name input_file_block_start input_file_block_length"
    ),
    "a raising parser: use timestamp_format": "to_date to_unix_timestamp to_timestamp_ltz to_timestamp_ntz",
    "it only fails": "raise_error assert_true",
    "a value of many rows": (
        "avg count count_if sum max min first last mean median mode max_by min_by any_value array_agg collect_list "
        "collect_set approx_count_distinct percentile percentile_approx stddev variance lag lead rank dense_rank "
        "row_number ntile nth_value first_value last_value"
    ),
}
REFUSED = {name: reason for reason, names in _REFUSED.items() for name in names.split()} | BARE
"""Function -> what is wrong with it, for those whose fault is known."""
