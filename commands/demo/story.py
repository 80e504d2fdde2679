"""What the demo tells, chapter by chapter. Every claim is looked up in the database or on the disk, not only told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commands.demo.files import (
    ANOTHER_TEAM,
    BLANK_PHONE,
    DATA,
    IN_CAPITALS,
    NEW_PHONES,
    NEWCOMER,
    OTHER_TEAM,
    USERS,
    write_changed_users,
    write_wrong_users,
)
from commands.demo.project import DemoFailed

if TYPE_CHECKING:
    from commands.demo.project import Outcome, Project
    from commands.demo.screen import Screen

_PHONE = "SELECT phone FROM people_user WHERE email = ?"
_WITHOUT_PHONE = "SELECT count(*) FROM people_user WHERE phone = ''"
_WITH_ADDRESS = "SELECT count(*) FROM people_user WHERE lower(email) = lower(?)"
_WITH_EXACT_ADDRESS = "SELECT count(*) FROM people_user WHERE email = ?"
_TEAM = "SELECT t.name FROM people_user u JOIN people_team t ON t.id = u.team_id WHERE u.email = ?"
_ACTIVE = "SELECT count(*) FROM people_user WHERE is_active AND NOT is_placeholder"
_ACCIDENT = "from commands.people.models import User; User.objects.update(phone='')"


class Story:
    """Tells the demo in a project, on a screen."""

    def __init__(self, project: Project, screen: Screen) -> None:
        self.project, self.screen = project, screen

    def tell(self) -> None:
        """Tell all of it.

        Raises:
            DemoFailed: something is not as it is told.
        """
        self._begin()
        self._import_users()
        self._refuse()
        self._change()
        self._undo()
        self._validate()
        self._restore()

    def _claim(self, text: str, *facts: bool) -> None:
        """Say what has been looked up, or stop because it is not so."""
        if not all(facts):
            raise DemoFailed(f"this is not so: {text}")
        self.screen.checked(text)

    def _expect(self, outcome: Outcome, **rows: int) -> None:
        """Compare the ledger of a report with the one that is expected; fates that are not named have no row."""
        if outcome.rows() != rows:
            raise DemoFailed(f"{outcome.line}: its rows are {outcome.rows()}, not {rows}")

    # -- chapters

    def _begin(self) -> None:
        self.screen.chapter(
            "An organization",
            """The demo has a database and a backup folder of its own and leaves yours alone. Its files are real: the US
            Congress as an organization, with committees as tribes, subcommittees as teams, state delegations as
            chapters.""",
        )
        self.project.run("migrate", lines=3)
        self._load("import_ladders_prod", "ladders", {"ladders": 4, "aspects": 20, "levels": 300})
        self.screen.say(
            """Every report begins with the ledger: each row of the file is accounted for, or the run fails. Chapters,
            tribes and teams have leaders whom nobody knows yet; --create-users makes inactive placeholders of them."""
        )
        structure = {"organizations": 1, "chapters": 56, "tribes": 49, "teams": 181}
        self._load("import_org_structure_prod", "congress", structure, with_users="chapters tribes teams")

    def _load(self, command: str, folder: str, files: dict[str, int], with_users: str = "") -> None:
        """Import files that bring nothing but new records."""
        for name, rows in files.items():
            flag = " --create-users" if name in with_users.split() else ""
            lines = None if name == "teams" else 3  # one report is shown whole
            outcome = self.project.run(f"{command} --csv {DATA / folder / name}.csv{flag}", lines=lines)
            self._expect(outcome, read=rows, created=rows)

    def _import_users(self) -> None:
        self.screen.chapter(
            "People: dry run, import, and again",
            """A dry run makes the whole plan: every row is validated, every link looked up, every record compared.
            Until it ends, the database itself refuses writes.""",
        )
        before, backups = self.project.file_hash(), self.project.backups_kept()
        planned = self.project.run(f"import_users_prod --csv {USERS} --dry-run", lines=14)
        self._claim(
            "The database file is the same, byte by byte, and no backup was made.",
            self.project.file_hash() == before,
            self.project.backups_kept() == backups,
        )
        self.screen.say(
            """Before the first write the tables concerned are backed up, and the backup is read back. The records, the
            journal and the proof that nothing was deleted are one transaction."""
        )
        done = self.project.run(f"import_users_prod --csv {USERS}", lines=11)
        self._claim(
            "The plan is the one of the dry run, by its digest. 537 people are active; no placeholder is left.",
            done.named("Plan") == planned.named("Plan"),
            done.rows() == planned.rows(),
            self.project.value(_ACTIVE) == self.project.value("SELECT count(*) FROM people_user") == 537,
        )
        self.screen.say("The same file again changes nothing.")
        self._expect(self.project.run(f"import_users_prod --csv {USERS}", lines=3), read=537, unchanged=537)
        self.screen.say("And what happened to these people in their time in Congress.")
        history = self.project.run(f"import_history_prod --csv {DATA / 'congress' / 'history.csv'}", lines=3)
        self._expect(history, read=2792, created=2792)

    def _refuse(self) -> None:
        self.screen.chapter(
            "A file with mistakes is refused",
            """The demo writes the users with four mistakes. All are found in one go, with line and column, and no value
            of a cell is shown: many people read the screens and logs of a production machine.""",
        )
        wrong, before = self.project.folder / "wrong.csv", self.project.data_hash()
        write_wrong_users(wrong)
        refused = self.project.run(f"import_users_prod --csv {wrong}", expected=1)
        found = ("line 2, column 'Email'", "line 3, column 'Team'", "line 4, column 'Role'", "line 539, column 'Email'")
        self._claim(
            "Four mistakes were found, the doubled address on both of its lines. Nothing was changed.",
            all(place in refused.output for place in found),
            self.project.data_hash() == before,
        )

    def _change(self) -> None:
        self.screen.chapter(
            "A changed file",
            """The demo writes the users as they might come a month later. Three phones are new. One phone is blank. One
            address is in capitals. One person stands in another team. One person is new. -v 2 shows the changes.""",
        )
        changed = self.project.folder / "changed.csv"
        write_changed_users(changed)
        self.before, old_phone = self.project.data_hash(), self.project.value(_PHONE, BLANK_PHONE)
        self.changed = self.project.run(f"import_users_prod --csv {changed} -v 2", expected=3)
        self._expect(self.changed, read=538, created=1, updated=3, unchanged=534)
        self._claim(
            "Three phones are new, and so is one person.",
            all(self.project.value(_PHONE, email) == phone for email, phone in NEW_PHONES.items()),
            self.project.value(_WITH_EXACT_ADDRESS, NEWCOMER["Email"]) == 1,
        )
        self._claim(
            "The blank cell erased nothing: that phone is still there.",
            bool(old_phone) and self.project.value(_PHONE, BLANK_PHONE) == old_phone,
        )
        self._claim(
            "The address in capitals was recognised; it is stored as it was.",
            self.project.value(_WITH_ADDRESS, IN_CAPITALS) == 1,
            self.project.value(_WITH_EXACT_ADDRESS, IN_CAPITALS) == 1,
        )
        self._claim(
            "The team that differs is held, hence exit code 3. With --force-update it would have been written.",
            self.project.value(_TEAM, OTHER_TEAM) != ANOTHER_TEAM,
        )

    def _undo(self) -> None:
        self.screen.chapter(
            "Undo",
            """The journal has every record that the run wrote, before and after. What it created is deleted only when
            you say so. Had somebody changed one of these records since, the undo would be refused.""",
        )
        run = self.changed.named("Run")
        self.project.run(f"undo_import {run} --delete-created --dry-run")
        self.project.run(f"undo_import {run} --delete-created --no-input")
        self._claim(
            "Every value of every table is what it was before that import.", self.project.data_hash() == self.before
        )

    def _validate(self) -> None:
        self.screen.chapter(
            "Is the data sound?",
            """The checks that ran before and after each import, by themselves. Each is one query, and none leans on a
            constraint of the database.""",
        )
        self.project.run("validate_import all")

    def _restore(self) -> None:
        self.screen.chapter(
            "An accident", "Each import that wrote has left a backup of the tables as they were before."
        )
        listed = self.project.run("list_backups").output.split()
        backup = self.changed.named("Backup").rpartition("/")[2]
        self._claim("The backups listed are those on the disk.", set(self.project.backups_kept()) <= set(listed))
        self.screen.say("Now somebody empties every phone number by hand.")
        self.project.run(f'shell -v 0 -c "{_ACCIDENT}"')
        self._claim("Nobody has a phone any more.", self.project.value(_WITHOUT_PHONE) == 537)
        self.screen.say(
            """The last backup was made before the changed file came in. Every byte of it is verified before anything is
            written, and the present state is backed up first. What would it bring back?"""
        )
        self.project.run(f"restore_backup {backup} --dry-run")
        self.project.run(f"restore_backup {backup} --no-input")
        self._claim(
            "Every value of every table is what it was before the accident.", self.project.data_hash() == self.before
        )
