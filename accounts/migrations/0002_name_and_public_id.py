import uuid

from django.db import migrations, models
from django.db.models.functions import Lower


def give_public_ids(apps, schema_editor):
    users = apps.get_model("accounts", "User").objects
    for pk in users.filter(public_id=None).values_list("pk", flat=True).iterator():
        users.filter(pk=pk).update(public_id=uuid.uuid4())


def lower_addresses(apps, schema_editor):
    apps.get_model("accounts", "User").objects.update(email=Lower("email"))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RemoveField("user", "first_name"),
        migrations.RemoveField("user", "last_name"),
        migrations.AddField(
            "user", "name", models.CharField("name", max_length=150, blank=True, default=""), preserve_default=False
        ),
        migrations.AddField("user", "public_id", models.UUIDField(null=True, editable=False)),
        migrations.RunPython(give_public_ids, migrations.RunPython.noop),
        migrations.RunPython(lower_addresses, migrations.RunPython.noop),
        migrations.AlterField(
            "user", "public_id", models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
        ),
    ]
