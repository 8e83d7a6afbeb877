#!/usr/bin/env python3
"""Writes a list of customers as real ones are: a CSV file with their mess.

    make_customers.py --recipients 10000 --seed 1 > customers.csv

National and international formats, spaces, several numbers a person, households
that share one, the same person twice, numbers that are missing or no numbers,
several time zones, names beyond ASCII and with commas. The same arguments give
the same file. Nobody has any of the numbers (README.md tells why).
"""
import argparse
import random
import sys

# Area codes by the clock of the people who live there. Codes that span two zones
# are left out, so that what time_zone says and what the number says agree.
AREA_CODES = {
    "America/New_York": """201 202 203 207 212 215 216 239 240 248 267 301 302 305 313 315 321 330
        336 347 352 386 401 404 407 410 412 413 419 434 440 443 484 508 513 516 518 540 561 570 585
        603 607 609 610 614 617 631 646 678 703 704 716 717 718 724 732 740 757 770 772 781 802 803
        804 813 814 828 843 845 856 860 863 864 904 908 910 912 914 917 919 937 941 954 973 978
        980""",
    "America/Chicago": """205 210 214 217 218 225 228 251 254 256 262 309 312 314 318 319 320 331
        334 337 361 402 405 409 414 417 469 479 501 504 507 512 515 563 573 580 601 608 612 615 618
        630 636 641 651 660 662 682 708 712 713 715 731 763 769 773 806 815 816 817 830 832 847 870
        901 903 913 918 920 936 940 952 956 972 979 985""",
    "America/Denver": "303 307 385 406 435 505 575 719 720 801 915 970",
    "America/Phoenix": "480 520 602 623 928",
    "America/Los_Angeles": """206 209 213 253 310 323 360 408 415 425 503 509 510 530 559 562 619
        626 650 661 702 707 714 760 775 805 818 831 858 909 916 925 949 951 971""",
    "America/Anchorage": "907",
    "Pacific/Honolulu": "808",
}
AREAS = [(code, zone) for zone, codes in AREA_CODES.items() for code in codes.split()]

SMALL_LINES = range(100, 200)  # 555-01XX: kept free for fiction.
LARGE_LINES = [line for line in range(10_000) if line not in (1212, 4334)]

GIVEN = """Ana Ben Carmen Dmitri Elif Fatima George Hans Ines Jürgen Kwame Łukasz María Ngọc Olaf
    Paweł Quinn Renée Siobhán Tomás Ulla Víctor Wei Xavier Yuki Zoë José
    美咲 Αλέξανδρος Oğuz""".split()
FAMILY = """Abbott Baker Castillo D'Amico Eriksson Fitzgerald García Hernández Ibrahim Jönsson Kim
    Łapiński Müller Nguyễn O'Brien Peña Quintana Rossi Smith Tran Ünal Vasquez Weiß Xu Young
    Žižek""".split()

FORMATS = ["({0}) 555-{1}", "{0}-555-{1}", "{0}.555.{1}", "{0}555{1}", "1-{0}-555-{1}",
           "+1{0}555{1}", "+1 {0} 555 {1}", " {0} 555 {1} ", "+1 ({0}) 555-{1}", "{0}/555-{1}"]
NO_NUMBERS = ["n/a", "unknown", "555-0", "0000000000", "call office", "+1 12", "()", "-",
              "(206) 555-01", "+99 123"]
LANGUAGES = ["en"] * 84 + ["es"] * 12 + ["vi", "zh", "pl", "uk"]

COLUMNS = ["person_key", "name", "phone", "phone2", "phone3", "time_zone", "language", "priority",
           "synthetic"]


class Numbers:
    """Hands out numbers, each once, in an order that jumps between area codes."""

    def __init__(self, needed):
        small = len(AREAS) * len(SMALL_LINES)
        self.lines = SMALL_LINES if needed <= small else LARGE_LINES
        self.capacity = len(AREAS) * len(self.lines)
        if needed > self.capacity:
            sys.exit(f"only {self.capacity} fictitious numbers are to be had")
        self.taken = 0

    def next(self):
        index = self.taken
        self.taken += 1
        area = AREAS[index % len(AREAS)]
        return area[0], f"{self.lines[index // len(AREAS)]:04}", area[1]


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\n') else cell


def written(rng, number):
    return FORMATS[int(rng.random() * len(FORMATS))].format(number[0], number[1])


def people(recipients, rng):
    # At most three numbers a person; on average about 1.3.
    numbers = Numbers(int(recipients * 1.5) + 10)
    household = None  # The number and family name of the person before.
    for index in range(recipients):
        family = FAMILY[int(rng.random() * len(FAMILY))]
        dice = rng.random()
        number = numbers.next() if household is None or dice >= 0.06 else None
        if number is None:
            number, family = household  # 6 in 100 share the number of the one before.
        household = (number, family)

        name = f"{GIVEN[int(rng.random() * len(GIVEN))]} {family}"
        if dice > 0.97:
            name = f"{family}, {name.split()[0]}"
        phones = [written(rng, number), "", ""]
        more = rng.random()
        if more < 0.22:
            phones[1] = written(rng, numbers.next())
        if more < 0.06:
            phones[2] = written(rng, numbers.next())
        fault = rng.random()
        if fault < 0.012:
            phones[0] = NO_NUMBERS[int(rng.random() * len(NO_NUMBERS))]
        elif fault < 0.018:
            phones[0] = ""
        time_zone = number[2] if rng.random() < 0.7 else ""
        priority = "9" if rng.random() < 0.02 else ""
        language = LANGUAGES[int(rng.random() * len(LANGUAGES))]
        yield [f"C{index + 1:07}", name, *phones, time_zone, language, priority, "true"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipients", type=int, default=10_000, metavar="N",
                        help="rows, the repeated ones among them (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="another one, another list")
    args = parser.parse_args()
    if args.recipients < 0:
        parser.error("--recipients: cannot be negative")
    rng = random.Random(args.seed)
    out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", buffering=1 << 20)
    out.write(",".join(COLUMNS) + "\n")
    before = None
    for row in people(args.recipients, rng):
        # 1 in 100 stands in the list twice: the later row repeats the key.
        if before is not None and rng.random() < 0.01:
            row[0] = before[0]
        before = row
        out.write(",".join([row[0], quoted(row[1]), *row[2:]]) + "\n")
    out.flush()


main()
