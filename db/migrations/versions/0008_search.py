"""Search: the same words in SQL as in Python, initials as one word, and words inside of scripts without spaces."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MARKS = (
    r"\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f"
    r"\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a"
    r"\ufe00-\ufe0f\ufe20-\ufe2f"
)
OLD_FUNCTIONS = """
CREATE OR REPLACE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(
        replace(replace(replace(translate(lower(normalize($1, NFKD)), 'øłđıς', 'oldiσ'), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
        '[MARKS]', '', 'g'), '[^[:alnum:]]+', ' ', 'g'))
$$;

CREATE OR REPLACE FUNCTION trigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr('  ' || word || ' ', place, 3)), '{}')
    FROM regexp_split_to_table($1, ' ') AS word, generate_series(1, length(word) + 1) AS place
    WHERE word <> ''
$$;
""".replace("MARKS", MARKS)

# Frozen copies of the constants of db/search.py, where they are explained.
IN_WORDS = (
    r"0-9a-z\u00f0\u00fe-\u02c1\u02c6-\u02d1\u02ec\u02ee\u0371-\u0373\u0377-\u03f3\u03f8-\u0481\u048b-\u0559"
    r"\u0560-\u0588\u05d0-\u05f2\u0620-\u0669\u066e-\u06d2\u06d5\u06e5-\u06e6\u06ee-\u06fc\u06ff\u0710-\u07f5"
    r"\u07fa-\u07fd\u0800-\u082d\u0840-\u085b\u0860-\u0887\u0889-\u088e\u0898-\u08e1\u08e3-\u0963\u0966-\u096f"
    r"\u0971-\u09f1\u09fc\u09fe-\u0a75\u0a81-\u0aef\u0af9-\u0b6f\u0b71\u0b82-\u0bef\u0c00-\u0c6f\u0c80-\u0c83"
    r"\u0c85-\u0d4e\u0d54-\u0d57\u0d5f-\u0d6f\u0d7a-\u0df3\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0f00"
    r"\u0f18-\u0f19\u0f20-\u0f29\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u1000-\u1049\u1050-\u109d"
    r"\u10d0-\u10fa\u10fd-\u135f\u1380-\u138f\u13f8-\u13fd\u1401-\u166c\u166f-\u167f\u1681-\u169a\u16a0-\u16ea"
    r"\u16ee-\u1734\u1740-\u17d3\u17d7\u17dc-\u17e9\u180b-\u180d\u180f-\u193b\u1946-\u19d9\u1a00-\u1a1b"
    r"\u1a20-\u1a99\u1aa7\u1b00-\u1b59\u1b6b-\u1b73\u1b80-\u1bf3\u1c00-\u1c37\u1c40-\u1c7d\u1c80-\u1c88"
    r"\u1cd0-\u1cd2\u1cd4-\u1eff\u214e\u2180-\u2188\u2c30-\u2ce4\u2cec-\u2cf3\u2d00-\u2d67\u2d7f-\u2dff\u2e2f"
    r"\u3005-\u3007\u3021-\u302f\u3031-\u3035\u303b-\u303c\u3041-\u309d\u30a1-\u30f6\u30fc-\u312f\u31a0-\u31bf"
    r"\u31f0-\u31ff\u3400-\u4dbf\u4e00-\ua48c\ua4d0-\ua4fd\ua500-\ua60c\ua610-\ua66f\ua674-\ua67d\ua67f-\ua6f1"
    r"\ua717-\ua71f\ua723-\ua788\ua78c-\ua827\ua82c\ua840-\ua873\ua880-\ua8c5\ua8d0-\ua8f7\ua8fb\ua8fd-\ua92d"
    r"\ua930-\ua953\ua960-\ua9c0\ua9cf-\ua9d9\ua9e0-\uaa59\uaa60-\uaa76\uaa7a-\uaadd\uaae0-\uaaef\uaaf2-\uab5a"
    r"\uab60-\uab68\uab70-\uabea\uabec-\ud7ff\uf900-\ufb1e\ufe73\U00010000-\U000100fa\U00010140-\U00010174"
    r"\U000101fd-\U000102e0\U00010300-\U0001031f\U0001032d-\U0001039d\U000103a0-\U000103cf\U000103d1-\U00010563"
    r"\U00010597-\U00010855\U00010860-\U00010876\U00010880-\U0001089e\U000108e0-\U000108f5\U00010900-\U00010915"
    r"\U00010920-\U00010939\U00010980-\U000109b7\U000109be-\U000109bf\U00010a00-\U00010a3f\U00010a60-\U00010a7c"
    r"\U00010a80-\U00010a9c\U00010ac0-\U00010ac7\U00010ac9-\U00010ae6\U00010b00-\U00010b35\U00010b40-\U00010b55"
    r"\U00010b60-\U00010b72\U00010b80-\U00010b91\U00010c00-\U00010cf2\U00010d00-\U00010d39\U00010e80-\U00010eac"
    r"\U00010eb0-\U00010f1c\U00010f27-\U00010f50\U00010f70-\U00010f85\U00010fb0-\U00010fc4\U00010fe0-\U00011046"
    r"\U00011066-\U000110ba\U000110c2\U000110d0-\U0001113f\U00011144-\U00011173\U00011176-\U000111c4"
    r"\U000111c9-\U000111cc\U000111ce-\U000111da\U000111dc\U00011200-\U00011237\U0001123e-\U000112a8"
    r"\U000112b0-\U0001144a\U00011450-\U00011459\U0001145e-\U000114c5\U000114c7-\U000115c0\U000115d8-\U00011640"
    r"\U00011644-\U00011659\U00011680-\U000116b8\U000116c0-\U00011739\U00011740-\U0001183a\U000118c0-\U000118e9"
    r"\U000118ff-\U00011943\U00011950-\U000119e1\U000119e3-\U00011a3e\U00011a47-\U00011a99\U00011a9d"
    r"\U00011ab0-\U00011c40\U00011c50-\U00011c59\U00011c72-\U00011ef6\U00011fb0\U00012000-\U0001246e"
    r"\U00012480-\U00012ff0\U00013000-\U0001342e\U00014400-\U00016a69\U00016a70-\U00016af4\U00016b00-\U00016b36"
    r"\U00016b40-\U00016b43\U00016b50-\U00016b59\U00016b63-\U00016e7f\U00016f00-\U00016fe1\U00016fe3-\U0001bc99"
    r"\U0001bc9d-\U0001bc9e\U0001cf00-\U0001cf46\U0001d165-\U0001d169\U0001d16d-\U0001d172\U0001d17b-\U0001d182"
    r"\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001d242-\U0001d244\U0001da00-\U0001da36\U0001da3b-\U0001da6c"
    r"\U0001da75\U0001da84\U0001da9b-\U0001e14e\U0001e290-\U0001e2f9\U0001e7e0-\U0001e8c4\U0001e8d0-\U0001e959"
    r"\U00020000-\U0003134a\U000e0100-\U000e01ef"
)
UNSPACED = (
    r"\u0e01-\u0e5b\u0e81-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
FUNCTIONS = (
    r"""
CREATE OR REPLACE FUNCTION fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
        replace(replace(replace(translate(lower(normalize($1, NFKD)), 'øłđıς', 'oldiσ'), 'œ', 'oe'), 'æ', 'ae'), 'ß', 'ss'),
        '[MARKS\u00ad\u200c\u200d\u2060\ufeff]', '', 'g'),
        '[^.IN_WORDS]+', ' ', 'g'),
        '(?<![^. ])([^. 0-9])\.(?=[^. 0-9](?![^. ]))', '\1', 'g'),
        '[. ]+', ' ', 'g'))
$$;

CREATE OR REPLACE FUNCTION trigrams(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT piece), '{}') FROM (
        SELECT substr('  ' || word || ' ', place, 3) AS piece
        FROM regexp_split_to_table($1, ' ') AS word, generate_series(1, length(word) + 1) AS place
        WHERE word <> ''
        UNION ALL
        SELECT substr(word, place, size)
        FROM regexp_split_to_table($1, ' ') AS word, generate_series(1, 2) AS size,
            generate_series(1, length(word) - size + 1) AS place
        WHERE word ~ '[UNSPACED]'
    ) AS pieces
$$;
""".replace("MARKS", MARKS)
    .replace("IN_WORDS", IN_WORDS)
    .replace("UNSPACED", UNSPACED)
)

# What PostgreSQL has derived from the functions. It derives a column anew where the column that it depends on is set, and
# changing a function sets none.
DERIVED = {
    "movies": ("title", "title_key", "title_trigrams"),
    "places": ("name", "name_key", "name_trigrams"),
    "events": ("name", "name_key", "name_trigrams"),
    "movie_offers": ("title", "title_key", "title_trigrams"),
    "provider_movies": ("title", "title_key", None),
}


def upgrade() -> None:
    """Replace the functions, and derive anew what they derive differently."""
    replace_functions(FUNCTIONS)


def downgrade() -> None:
    """Bring the older functions back."""
    replace_functions(OLD_FUNCTIONS)


def replace_functions(functions: str) -> None:
    """Replace fold() and trigrams(), and all that is derived by them."""
    op.execute(functions)
    for table, (column, key, trigrams) in DERIVED.items():
        differs = f"{key} IS DISTINCT FROM fold({column})"
        if trigrams:
            differs += f" OR {trigrams} IS DISTINCT FROM trigrams(fold({column}))"
        op.execute(f"UPDATE {table} SET {column} = {column} WHERE {differs}")  # noqa: S608 - constants
    op.execute(
        "UPDATE airings SET place_key = places.name_key FROM places "
        "WHERE places.id = airings.place_id AND airings.place_key <> places.name_key"
    )
