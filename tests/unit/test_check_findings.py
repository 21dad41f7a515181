"""Each finding of `check` that asks for something has a test with the wrong set-up.

The table names it, by the function that makes the finding and its place there, in the order of the
lines. A new finding without a test, or a test that is gone, is found out.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = [*(ROOT / "bot/operate/check").glob("*.py"), ROOT / "bot/cli/check.py"]
MAKERS = {"failure", "doubt"}

CHECK, CERTIFICATES, INIT = "test_check.py", "test_certificates.py", "test_init.py"

TESTS = {
    "accounts.of_accounts": [
        "test_business_check.py::test_a_right_taken_while_the_bridge_was_down_is_noticed",
        "test_business_check.py::test_check_names_each_account_and_what_is_missing",
    ],
    "backup.of_backup": [f"{CHECK}::test_a_backup_that_is_missed_is_a_warning"],
    "channel.standing": [
        f"{CHECK}::test_wrong_secret_channel_and_account_are_told_apart",
        f"{CHECK}::test_wrong_secret_channel_and_account_are_told_apart",
        f"{CHECK}::test_what_kommo_says_of_the_channel_is_told",
    ],
    "channel._unanswered": [
        f"{CHECK}::test_what_kommo_says_of_the_channel_is_told",
        f"{CHECK}::test_who_is_not_kommo_is_named",
    ],
    "channel._plain": [
        f"{CHECK}::test_what_kommo_says_is_told_in_words",
        f"{CHECK}::test_what_kommo_says_of_the_channel_is_told",
        f"{CHECK}::test_wrong_secret_channel_and_account_are_told_apart",
        f"{CHECK}::test_what_kommo_says_of_the_channel_is_told",
    ],
    "check._findings": [f"{CHECK}::test_a_group_that_moved_is_named"],
    "check._show_problems": [f"{CHECK}::test_wrong_settings_are_findings_too"],
    "database.kept": [
        f"{CHECK}::test_a_database_of_an_older_version_is_only_looked_at",
        f"{CHECK}::test_a_file_that_is_no_database_is_named",
    ],
    "database._counted": [
        "test_strangers.py::test_who_may_not_is_told_in_a_line",
        "test_state_dir.py::test_check_names_a_state_folder_that_takes_no_files",
        f"{CHECK}::test_dead_items_are_a_warning",
    ],
    "database._before_the_first_start": [
        f"{CHECK}::test_a_folder_that_is_not_there_is_named",
        "test_state_dir.py::test_check_names_it_before_the_first_start_too",
    ],
    "machine.of_settings": [f"{CHECK}::test_the_example_as_it_is_does_not_pass"],
    "machine._of_redirect": [f"{CHECK}::test_a_redirect_address_of_another_host_is_noticed"] * 2,
    "machine.of_file": [f"{INIT}::test_check_before_the_first_start_warns_and_fails_nothing"],
    "machine.of_disk": [
        f"{CHECK}::test_a_folder_that_is_not_there_is_named",
        f"{CHECK}::test_a_disk_that_is_nearly_full_fails",
    ],
    "machine._clock": [
        f"{CHECK}::test_servers_that_are_not_there_are_named",
        f"{CHECK}::test_a_wrong_clock_is_named",
    ],
    "machine._service": [
        f"{INIT}::test_check_before_the_first_start_warns_and_fails_nothing",
        f"{CHECK}::test_another_program_at_the_local_address_is_named",
        f"{INIT}::test_check_says_the_services_trouble_once",
    ],
    "machine._unanswered": [
        f"{CERTIFICATES}::test_trouble_with_the_public_addresss_certificate_is_named",
        f"{CHECK}::test_a_public_address_that_does_not_answer_fails_while_it_runs",
        f"{CERTIFICATES}::test_a_port_without_tls_is_named",
    ],
    "machine._certificate": [
        f"{CERTIFICATES}::test_a_certificate_that_nobody_renews_is_a_warning"
    ],
    "machine._proven": [f"{INIT}::test_check_fails_when_the_public_address_leads_elsewhere"],
    "machine._early": [
        f"{CHECK}::test_an_address_that_answers_before_the_bridge_runs_is_doubtful"
    ],
    "servers.probe": [f"{CHECK}::test_before_support_has_answered_the_rest_is_checked"],
    "servers._rest": [
        f"{CHECK}::test_a_wrong_account_is_named_by_the_token_that_opens_another",
        f"{CHECK}::test_check_changes_nothing_anywhere",
        f"{CHECK}::test_a_consent_may_wait_until_support_has_answered",
        f"{CHECK}::test_a_token_that_kommo_refuses_is_named",
        f"{CHECK}::test_an_outage_of_the_rest_api_costs_no_message",
        f"{CHECK}::test_a_token_that_kommo_refuses_is_named",
    ],
    "servers._sources": [f"{CHECK}::test_a_source_that_kommo_does_not_have_is_named"],
    "servers._bot": [
        f"{CHECK}::test_before_support_has_answered_the_rest_is_checked",
        f"{CHECK}::test_servers_that_are_not_there_are_named",
        f"{CHECK}::test_a_webhook_that_somebody_set_is_named",
    ],
}


def _makes_finding(node: ast.AST) -> bool:
    """Tell whether this names what makes a finding: to call it, or to choose it for a call."""
    if isinstance(node, ast.Call):
        node = node.func
        return isinstance(node, ast.IfExp) or (isinstance(node, ast.Name) and node.id in MAKERS)
    return (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.IfExp)
        and isinstance(node.value.body, ast.Name)
        and node.value.body.id in MAKERS
    )


def _findings() -> Iterator[tuple[str, int]]:
    """Yield each function that makes findings, with their number."""
    for file in PLACES:
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                count = sum(map(_makes_finding, ast.walk(function)))
                if count:
                    yield f"{file.stem}.{function.name}", count


def test_each_finding_has_a_test():
    """Whoever adds one says which test has the wrong set-up for it."""
    assert dict(_findings()) == {place: len(tests) for place, tests in TESTS.items()}


@pytest.mark.parametrize("test", sorted({test for tests in TESTS.values() for test in tests}))
def test_the_test_of_a_finding_exists(test):
    """A test that was renamed or removed is found out."""
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / "tests/e2e" / file).read_text(encoding="utf-8")
