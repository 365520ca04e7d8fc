"""A season of a board, from the organiser's first link to the private scores, in a browser.

The tests of `TestSeason` tell one story and run in their order.
"""

import httpx
import pytest
from playwright.sync_api import expect

from tests.leaderboard.live import PASSWORD, submission_bytes, upload, wait_until_scored

TEAM, MODEL = "Cardiology, Cork & Köln", "S4 <large>"


def sign_up(page, link, name):
    page.goto(link)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def submit(page, content, model=MODEL):
    page.goto("/submit")
    page.get_by_label("File with predictions").set_input_files(
        {"name": "predictions.csv", "mimeType": "text/csv", "buffer": content}
    )
    page.get_by_label("Name of the model").fill(model)
    page.get_by_role("button", name="Submit", exact=True).click()


@pytest.fixture(scope="module")
def organiser(people, live_board):
    page = people.arrive()
    sign_up(page, f"/sign-up/{live_board.organiser}", "The trialist")
    return page


@pytest.fixture(scope="module")
def member(people):
    return people.arrive()


PAGES = ("/board/acs", "/submissions", "/submissions/2", "/submit", "/data", "/rules", "/account")


class Season:
    """Steps of a season; each goes on where the one before ended."""

    def the_organiser_opens_a_phase(self, organiser, people):
        organiser.goto("/organise")
        organiser.get_by_label("Name").fill("Spring")
        organiser.get_by_role("button", name="Open the phase").click()
        expect(organiser.get_by_role("heading", name="Spring is open")).to_be_visible()
        people.picture(organiser, "organise-desktop")

    def an_invited_person_signs_up_by_the_link_which_works_once(self, organiser, member, people):
        organiser.goto("/organise/teams")
        organiser.get_by_label("Team", exact=True).fill(TEAM)
        organiser.get_by_role("button", name="Make a link").click()
        link = organiser.locator("[data-copy]").inner_text().strip()
        people.picture(organiser, "teams-desktop")
        sign_up(member, link, "Ana")
        expect(member.get_by_role("banner")).to_contain_text(TEAM)
        stranger = people.arrive()
        answer = stranger.goto(link)
        assert answer.status >= 400
        expect(stranger.get_by_role("main")).to_contain_text("ask the organiser")

    def a_bad_file_is_refused_with_all_its_reasons(self, member, people):
        lines = submission_bytes(400, 1).decode().splitlines()
        lines[2] = lines[2].split(",")[0] + ",1.5,0.5"
        lines[5] = lines[4]
        submit(member, ("\n".join(lines) + "\n").encode())
        alert = member.get_by_role("alert")
        expect(alert).to_contain_text("for 3 reasons")
        expect(alert).to_contain_text("line 3, column acs")
        expect(alert).to_contain_text(lines[4].split(",")[0])
        people.picture(member, "refused-desktop")
        member.goto("/submissions")
        expect(member.get_by_role("table")).to_contain_text("refused")

    def a_good_file_is_scored_and_shows_its_public_score_alone(self, member, people):
        submit(member, submission_bytes(400, 2))
        expect(member.get_by_text("AUROC, public part").first).to_be_visible(timeout=60_000)
        expect(member.get_by_role("main")).not_to_contain_text("AUROC, private part")
        expect(member.get_by_role("main")).not_to_contain_text("Brier")
        people.picture(member, "submission-open-desktop")

    def it_compares_itself_on_the_board(self, member, people, live_board):
        with httpx.Client(base_url=live_board.url, timeout=60) as client:
            upload(client, live_board.tokens[0], submission_bytes(400, 3)).raise_for_status()
        wait_until_scored(live_board)
        member.goto("/board/acs")
        rows = member.get_by_role("table").get_by_role("row")
        expect(rows).to_have_count(3)
        expect(rows.filter(has_text=TEAM)).to_contain_text(MODEL)
        expect(member.get_by_role("table")).not_to_contain_text("Against the best")
        people.picture(member, "board-open-desktop")

    def private_scores_appear_when_the_organiser_closes_the_phase(self, organiser, member, people):
        organiser.goto("/organise")
        organiser.get_by_label("I am sure").check()
        organiser.get_by_role("button", name="Close the phase").click()
        expect(organiser.get_by_role("heading", name="Open a phase")).to_be_visible()
        member.goto("/board/acs")
        expect(member.get_by_role("main")).to_contain_text("was closed on")
        expect(member.get_by_role("table")).to_contain_text("Against the best")
        people.picture(member, "board-closed-desktop")
        member.get_by_role("link", name=MODEL).click()
        expect(member.get_by_text("AUROC, private part").first).to_be_visible()
        expect(
            member.get_by_role("img", name="ROC curve of the private part").first
        ).to_be_visible()
        people.picture(member, "submission-closed-desktop")

    def nothing_is_accepted_any_more(self, member):
        member.goto("/submit")
        expect(member.get_by_role("main")).to_contain_text("No phase is open")
        expect(member.get_by_role("button", name="Submit", exact=True)).to_be_disabled()

    def no_page_is_wider_than_a_phone(self, member, people):
        for address in PAGES:
            page = people.arrive(phone=True, session=member.context.storage_state())
            page.goto(address)
            people.picture(page, f"{address.strip('/').replace('/', '-')}-phone")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, address

    def the_pages_can_be_used_with_the_keyboard_alone(self, people):
        page = people.arrive()
        page.goto("/sign-in")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.get_by_label("Name").focus()
        page.keyboard.type("Ana")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    def no_page_broke_its_policy_or_called_another_place(self, people):
        assert people.troubles == []


def test_a_season(organiser, member, people, live_board):
    """All steps in one test, since tests may run in several processes."""
    season = Season()
    season.the_organiser_opens_a_phase(organiser, people)
    season.an_invited_person_signs_up_by_the_link_which_works_once(organiser, member, people)
    season.a_bad_file_is_refused_with_all_its_reasons(member, people)
    season.a_good_file_is_scored_and_shows_its_public_score_alone(member, people)
    season.it_compares_itself_on_the_board(member, people, live_board)
    season.private_scores_appear_when_the_organiser_closes_the_phase(organiser, member, people)
    season.nothing_is_accepted_any_more(member)
    season.no_page_is_wider_than_a_phone(member, people)
    season.the_pages_can_be_used_with_the_keyboard_alone(people)
    season.no_page_broke_its_policy_or_called_another_place(people)
