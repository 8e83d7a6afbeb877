"""Messages in words: everybody hears their own, on each dialect; who cannot be told is refused
before anybody is rung; and the words stand in no log."""
import json
import pathlib
import unittest

from tocsin import DONE, EXAMPLES, USAGE, EndToEnd

RATE = 50
BRIEF, LONG = "1 Elm Way", "1987 Northwest Ambassador Boulevard, apartment twenty-seven"
TEXT = "This is Riverside Electric. {name}, the power at {street} is out. To confirm, press 1."
SPANISH = "Le llama Riverside Electric. No hay luz en {street}. Para confirmar, pulse 1."
CAMPAIGN = f"""\
name: Outage in words
purpose: outage
message:
  text:
    en: "{TEXT}"
    es: "{SPANISH}"
  language: en
  identity_ends: 1s
window: {{open: "00:00", close: "24:00", time_zone: America/New_York}}
retry: {{attempts_max: 2, no_answer: 30s, busy: 10s}}
recipients: {{synthetic: true}}
"""
# Everybody answers, hears the message, and confirms.
POPULATION = """\
reachability: {at_once: 1, sometimes: 0}
answers: {machine: 0, fax: 0}
human: {leaves_early_share: 0, presses_share: 1, presses_early_share: 0,
        key_1: 1, key_9: 0, key_0: 0, key_other: 0}
blocking: {share_max: 0}
"""

# person_key -> (name, phone, language, street).
PEOPLE = {
    "brief": ("Ann", "2065550100", "en", BRIEF),
    "brief-again": ("Ann", "2065550101", "", BRIEF),
    "long": ("Ann", "2065550102", "fr", LONG),
    "spanish": ("Ana", "2065550103", "es-MX", BRIEF),
    "spanish-long": ("Ana", "2065550104", "es", LONG),
    # One household: the first two are told the same.
    "home-1": ("Bea", "2065550105", "en", BRIEF),
    "home-2": ("Bea", "2065550105", "en", BRIEF),
    "home-3": ("Cid", "2065550105", "en", BRIEF),
}


def text_of(person):
    name, _, language, street = PEOPLE[person]
    template = SPANISH if language.startswith("es") else TEXT
    return template.replace("{name}", name).replace("{street}", street)


class Texts(EndToEnd):
    def test_2021_05(self):
        self.compare_rendered(self.told("2021-05"))

    def test_2021_04(self):
        self.compare_rendered(self.told("2021-04"))

    def test_ga_where_the_provider_speaks(self):
        lengths = self.told("ga")
        for person, milliseconds in lengths.items():
            # The call server speaks fifteen characters a second.
            self.assertAlmostEqual(milliseconds, len(text_of(person)) * 1000 / 15, delta=2,
                                   msg=person)

    def compare_rendered(self, lengths):
        self.assertEqual(lengths["brief"], lengths["brief-again"], "the same words")
        self.assertEqual(lengths["home-1"], lengths["home-2"])
        self.assertGreater(lengths["long"], lengths["brief"] + 1000)
        self.assertGreater(lengths["spanish-long"], lengths["spanish"] + 1000)
        self.assertNotEqual(lengths["spanish"], lengths["brief"])

    def list(self, people):
        lines = ["person_key,name,phone,language,street"]
        lines += [f'{key},{name},{phone},{language},"{street}"'
                  for key, (name, phone, language, street) in people.items()]
        return self.file("people.csv", "\n".join(lines) + "\n")

    def told(self, dialect):
        """How long each person's message was, in milliseconds of theirs."""
        up = self.up("--dialect", dialect, "--log-level", "debug",
                     "--population", self.file("population.yaml", POPULATION), rate=RATE,
                     time_scale=4)  # Who waits ten seconds for a word waits for two and a half.
        people = self.list({**PEOPLE, "silent": ("Dee", "2065550106", "en", " "),
                            "nameless": ("", "2065550107", "en", BRIEF)})
        made = self.campaign("create", "-f", self.file("campaign.yaml", CAMPAIGN), "--recipients",
                             people, "-o", "json", "--start")
        self.assertEqual(made.code, DONE, made.text)
        campaign = self.id_of(made)
        self.assertEqual(self.refused(campaign), {
            10: ("silent", "street", "MISSING_VARIABLE"),
            11: ("nameless", "name", "MISSING_VARIABLE")})
        watched = self.campaign("watch", campaign, timeout=600)
        self.assertEqual(watched.code, DONE, watched.text)
        self.judge(campaign, rows=len(PEOPLE) + 2, rate=RATE)
        self.assertEqual(self.sql(
            "SELECT DISTINCT outcome FROM reporting.recipient_outcomes "
            f"WHERE campaign_id = {campaign}"), [["CONFIRMED"]])

        played, call = self.plays(), {}
        shared = {}
        for person, leg, people_in_it in self.sql(
                "SELECT r.person_key, a.provider_call, a.people "
                "FROM reporting.attempt_people AS p "
                "JOIN reporting.call_attempts AS a USING (campaign_id, attempt_id) "
                "JOIN reporting.recipient_outcomes AS r ON r.campaign_id = p.campaign_id "
                " AND r.recipient_id = p.recipient_id "
                f"WHERE p.campaign_id = {campaign} AND a.acknowledged_at IS NOT NULL"):
            call[person], shared[person] = leg, int(people_in_it)
        self.assertEqual(call["home-1"], call["home-2"], "told the same, so rung once")
        self.assertNotEqual(call["home-1"], call["home-3"])
        self.assertEqual([shared[f"home-{n}"] for n in (1, 2, 3)], [2, 2, 1])
        self.no_words_in(up)
        return {person: played[leg] for person, leg in call.items()}

    def refused(self, campaign):
        rows = self.campaign("refused", campaign, "-o", "json").json()
        for row in rows:
            self.assertNotIn("Elm", row["detail"])
        return {int(row["line"]): (row["person_key"], row["field"], row["reason"]) for row in rows}

    def plays(self):
        lengths = {}
        for line in self.ledger.read_text().splitlines():
            entry = json.loads(line)
            if entry["what"] == "play":
                lengths[entry["call_leg_id"]] = entry["audio_ms"]
        return lengths

    def no_words_in(self, up):
        said = [("the log", up.output)]
        for path in (self.folder / "data").rglob("*.log"):
            said.append((path.name, pathlib.Path(path).read_text(errors="replace")))
        for where, text in said:
            for word in ("Riverside", "Elm Way", "Ambassador", "luz"):
                self.assertNotIn(word, text, where)

    def test_a_list_without_a_variable_creates_nothing(self):
        self.up()
        people = self.file("short.csv", "person_key,name,phone\na,Ann,2065550100\n")
        made = self.campaign("create", "-f", self.file("campaign.yaml", CAMPAIGN), "--recipients",
                             people)
        self.assertEqual(made.code, USAGE, made.text)
        self.assertIn("short.csv: line 1: column 'street' is missing", made.text)
        self.assertEqual(self.campaign("list", "-o", "json").json(), [])

        odd = CAMPAIGN.replace("{street} is out", "{street is out")
        made = self.campaign("create", "-f", self.file("odd.yaml", odd), "--recipients", people)
        self.assertEqual(made.code, USAGE, made.text)
        self.assertIn("odd.yaml:5:5: message.text: en: at character", made.text)
        foreign = CAMPAIGN.replace("    es:", "    xx:")
        made = self.campaign("create", "-f", self.file("foreign.yaml", foreign))
        self.assertEqual(made.code, USAGE, made.text)
        self.assertIn("foreign.yaml:5:5: message.text: nobody here speaks 'xx'", made.text)

    def test_the_example(self):
        self.up()
        made = self.campaign("create", "-f", EXAMPLES / "appointments.yaml", "--recipients",
                             EXAMPLES / "appointments.csv", "-o", "json")
        self.assertEqual(made.code, DONE, made.text)
        self.assertEqual(self.refused(self.id_of(made)), {7: ("a-6", "time", "MISSING_VARIABLE")})


if __name__ == "__main__":
    unittest.main()
