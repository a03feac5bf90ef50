"""The documents' figures as rows, for staff to edit. Rows that are there already are left as they are."""

from django.db import migrations

# product, tier, rate, rate_s, daily, day_edge, cost, free_credits, concurrency, priority
ROWS = [
    ("whatanime", "guest", 100, 3600, 5, "utc", 0, 0, 1, 0),
    ("whatanime", "free", 100, 3600, None, "utc", 1, 10, 1, 0),
    ("whatanime", "pro", 100, 3600, None, "utc", 1, 10, 1, 0),
    ("whatanime", "business", 100, 3600, None, "utc", 1, 10, 1, 0),
    ("whatanime", "enterprise", 100, 3600, None, "utc", 1, 10, 1, 0),
    ("tracemoe", "guest", 10, 60, 150, "first_use", 0, 0, 1, 0),
    ("tracemoe", "free", 10, 60, 1000, "first_use", 0, 0, 1, 1),
    ("tracemoe", "pro", 20, 60, 2000, "first_use", 0, 0, 2, 2),
    ("tracemoe", "business", 30, 60, 3000, "first_use", 0, 0, 3, 3),
    ("tracemoe", "enterprise", 30, 60, 3000, "first_use", 0, 0, 4, 4),
    ("api_v1", "guest", None, 60, 0, "utc", 0, 0, 1, 0),
    ("api_v1", "free", None, 60, 10, "utc", 0, 0, 1, 0),
    ("api_v1", "pro", None, 60, 100, "utc", 0, 0, 1, 0),
    ("api_v1", "business", None, 60, 1000, "utc", 0, 0, 1, 0),
    ("api_v1", "enterprise", None, 60, None, "utc", 0, 0, 1, 0),
    ("analysis", "guest", None, 60, 0, "utc", 1, 0, 1, 0),
    ("analysis", "free", None, 60, None, "utc", 1, 0, 1, 0),
    ("analysis", "pro", None, 60, None, "utc", 1, 0, 1, 0),
    ("analysis", "business", None, 60, None, "utc", 1, 0, 1, 0),
    ("analysis", "enterprise", None, 60, None, "utc", 1, 0, 1, 0),
]
FIELDS = ("product", "tier", "rate", "rate_s", "daily", "day_edge", "cost", "free_credits", "concurrency", "priority")


def seed(apps, schema_editor):
    policies = apps.get_model("credits", "Policy").objects.using(schema_editor.connection.alias)
    policies.bulk_create(
        [policies.model(**dict(zip(FIELDS, row, strict=True))) for row in ROWS], ignore_conflicts=True
    )


class Migration(migrations.Migration):
    dependencies = [("credits", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
