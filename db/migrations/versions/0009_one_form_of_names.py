"""Names of accounts in one form: usernames in NFKC, addresses in NFC with a domain in Unicode."""

import sqlalchemy as sa
from alembic import op
from email_validator import EmailNotValidError, validate_email

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# Of two accounts whose names become equal neither is changed: signing in finds them by the spelling that they have.
USERNAMES = sa.text("""
    UPDATE users SET username = normalize(username, NFKC)
    WHERE username IS NOT NFKC NORMALIZED AND NOT EXISTS (
        SELECT FROM users AS other
        WHERE other.id <> users.id AND lower(normalize(other.username, NFKC)) = lower(normalize(users.username, NFKC))
    )
""")
# Only what is not plain ASCII, or has a label in punycode, has another form.
EMAILS = sa.text("SELECT id, email FROM users WHERE email ~ '[^ -~]' OR lower(email) LIKE '%xn--%' ORDER BY id")
RENAME = sa.text("""
    UPDATE users SET email = :email
    WHERE id = :id AND NOT EXISTS (SELECT FROM users WHERE lower(email) = lower(:email) AND id <> :id)
""")


def upgrade() -> None:
    """Give every name its one form."""
    connection = op.get_bind()
    connection.execute(USERNAMES)
    for identity, email in connection.execute(EMAILS).all():
        try:
            normalized = validate_email(email, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError:
            continue
        if normalized.lower() != email.lower():
            connection.execute(RENAME, {"id": identity, "email": normalized})


def downgrade() -> None:
    """Leave the names: the version before finds them too."""
