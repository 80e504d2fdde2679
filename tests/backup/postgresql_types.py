"""The types that PostgreSQL offers, with values of each that are easily lost."""

from __future__ import annotations

import os

import psycopg2
from django.conf import settings

EVERY_CHARACTER = "string_agg(chr(i), '' ORDER BY i)"

# type: values, as SQL. NULL comes on top of each.
_EVERYWHERE = {
    "smallint": ["-32768", "32767"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric": ["'NaN'", "'Infinity'", "'-Infinity'", "1.0", "1.00", "1e-300", "repeat('9', 500)::numeric"],
    "numeric(20, 10)": ["0.0000000001", "-9999999999.9999999999"],
    "real": ["'NaN'", "'-Infinity'", "'-0'", "1.1", "1e-45"],
    "double precision": [
        "'NaN'",
        "'Infinity'",
        "'-0'",
        "0.1::float8 + 0.2::float8",
        "5e-324",
        "1.7976931348623157e308",
    ],
    "money": ["'-1234.56'"],
    "boolean": ["true", "false"],
    "char(5)": ["'a'", "'a b  '", "''"],
    '"char"': ["'x'", "''"],
    "varchar(10)": ["''", "'null'", "'NULL'", "'\\N'", "'\\.'", "' a,b '"],
    "text": [
        f"(SELECT {EVERY_CHARACTER} FROM generate_series(1, 1000) i)",
        f"(SELECT {EVERY_CHARACTER} FROM generate_series(x'ffe0'::int, x'100ff'::int) i)",
        "E'\\\\.'",
        "E'a\\n\\\\.\\nb'",
        "E'\\r\\n'",
        "E'\\\\n'",
        "E'\"],\\n[\"'",
        "'],['",
        "chr(8232)",
        "chr(127)",
    ],
    "name": ["'a name'"],
    "bytea": [
        "'\\x'",
        "'\\x00ff5c'",
        "(SELECT string_agg(decode(to_hex(i), 'hex'), '') FROM generate_series(16, 255) i)",
    ],
    "date": ["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'5874897-12-31'", "'0099-01-02'"],
    "time": ["'24:00:00'", "'00:00:00.000001'"],
    "time with time zone": ["'12:00:00.5+05:30'"],
    "timestamp": ["'infinity'", "'0001-01-01 BC'", "'294276-12-31 23:59:59.999999'"],
    "timestamp with time zone": ["'-infinity'", "'1883-11-18 12:03:58-07:52:58'", "'2024-03-31 02:30:00.123456+02'"],
    "interval": ["'1 year -2 mons +3 days -04:05:06.789012'", "'-0.000001 s'"],
    "uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"],
    "json": ["'null'", '\'  {"b": 1.0, "a" : [1,  2], "a": "\\u0000"} \'', "'\"x\"'"],
    "jsonb": ["'null'", '\'{"a": 1.0, "b": 1.00}\'', "'[]'", "'\"\"'"],
    "inet": ["'10.0.0.1'", "'10.0.0.1/24'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "bit(3)": ["B'101'"],
    "bit varying": ["B''", "B'1'"],
    "point": ["'(0.1,-0)'"],
    "box": ["'(1,1),(0,0)'"],
    "tsvector": ["to_tsvector('english', 'a fat cat''s')"],
    "int4range": ["'empty'", "'[1,5)'", "'(,)'"],
    "tstzrange": ["'[2024-01-01,)'"],
    "nummultirange": ["'{[1.0,2.00),(5,)}'"],
    "integer[]": ["'{}'", "'{{1,NULL},{3,4}}'", "'[5:6]={1,2}'"],
    "text[]": ['\'{"",NULL,"NULL","a,b","\\""}\''],
    "char(3)[]": ["'{\"a  \",b}'"],
    "oid": ["4294967295"],
    "pg_lsn": ["'16/B374D848'"],
    "jsonpath": ["'$.a[*] ? (@ > 1)'"],
}

# A server can be built without XML and without the extensions: there is nothing to bring back there.
_OFFERED_WHERE = {
    "xml": "SELECT xml_is_well_formed('<a/>')",
    "hstore": "SELECT true FROM pg_available_extensions WHERE name = 'hstore'",
    "citext": "SELECT true FROM pg_available_extensions WHERE name = 'citext'",
}
_SOMEWHERE = {
    "xml": ["'<a>&lt;</a>'", "'text'"],
    "hstore": ["'a=>1, b=>NULL'"],
    "citext": ["'Ab'", "''"],
}

# type: two values that = takes for the same.
_EQUAL = {
    "numeric": ("1.0", "1.00"),
    "double precision": ("'-0'", "'0'"),
    "interval": ("'1 day'", "'24 hours'"),
    "nummultirange": ("'{[1.0,2.0)}'", "'{[1,2)}'"),
    "jsonb": ("'1.0'", "'1.00'"),
    "citext": ("'ab'", "'AB'"),
}


def _offered() -> set[str]:
    """Ask the server before the tests are collected, so that none is collected for what it lacks."""
    if settings.BACKEND != "postgresql":
        return set()
    session = psycopg2.connect(os.environ[settings.SERVER_URL_VARIABLE])
    session.autocommit = True
    try:
        return {type_ for type_, question in _OFFERED_WHERE.items() if _says_yes(session.cursor(), question)}
    finally:
        session.close()


def _says_yes(cursor: psycopg2.extensions.cursor, question: str) -> bool:
    try:
        cursor.execute(question)
    except psycopg2.errors.FeatureNotSupported:
        return False
    return cursor.fetchone() == (True,)


_LACKING = _SOMEWHERE.keys() - _offered()
TYPES = {type_: values for type_, values in (_EVERYWHERE | _SOMEWHERE).items() if type_ not in _LACKING}
EQUAL = {type_: values for type_, values in _EQUAL.items() if type_ not in _LACKING}
