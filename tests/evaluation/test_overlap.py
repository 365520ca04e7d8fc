import numpy as np

from acsbench.evaluation.topics.overlap import ALL, EVENTS, REGIONS, region_counts


def made(sizes):
    """ECGs, one per patient, with as many (events, others) in each region as given."""
    region, events = [], []
    for number, (with_event, without) in enumerate(sizes):
        region += [number] * (with_event + without)
        events += [True] * with_event + [False] * without
    return np.array(region), np.array(events), np.arange(len(region))


LARGE = [(20, 30)] * 8


def test_counts_of_regions():
    counts = region_counts(*made([(20 + i, 30) for i in range(8)]))
    assert [counts[EVENTS][place] for place in REGIONS] == [20 + i for i in range(8)]
    assert [counts[ALL][place] for place in REGIONS] == [50 + i for i in range(8)]


def test_a_small_region_is_hidden_with_what_would_give_it_away():
    sizes = [(3, 30), *LARGE[1:]]
    counts = region_counts(*made(sizes))
    assert counts[EVENTS][REGIONS[0]] == "<11"
    hidden = [place for place in REGIONS if isinstance(counts[EVENTS][place], str)]
    # Events of all regions are known, and so are those that the model calls.
    assert len(hidden) > 1
    shown = region_counts(*made(sizes), show_small_cells=True)
    assert shown[EVENTS][REGIONS[0]] == 3


def test_few_without_the_event_are_as_telling():
    counts = region_counts(*made([(30, 4), *LARGE[1:]]))
    place = REGIONS[0]
    assert isinstance(counts[ALL][place], str) or isinstance(counts[EVENTS][place], str)


def test_several_ecgs_of_few_patients_are_small():
    region, events, patients = made(LARGE)
    patients[(region == 2) & events] = 7
    assert isinstance(region_counts(region, events, patients)[EVENTS][REGIONS[2]], str)
