from acsbench.statistics import Estimate


def test_range_of_negative_numbers_is_spelled_out():
    difference = Estimate(-0.012, -0.03, 0.006, 0.95, "DeLong", 10, 5, None)
    assert str(difference) == "−0.012 (−0.030 to 0.006)"
    assert f"{difference:.2f}" == "−0.01 (−0.03 to 0.01)"
    assert str(Estimate(0.878, 0.833, 0.923, 0.95, "DeLong", 10, 5, None)) == "0.878 (0.833–0.923)"
