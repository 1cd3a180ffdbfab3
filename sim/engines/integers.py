"""A programme with columns in whole numbers, solved by branch and bound.

Source: HiGHS's branch and cut [Huangfu2018].
"""

import highspy
import numpy as np
from scipy import sparse

from sim.engines.program import NotOptimal


def whole(matrix: sparse.csr_array, lower, upper, row_lower, row_upper, cost, integer, gap: float,
          nodes: int) -> tuple[np.ndarray, float]:
    """Least cost x with lower <= x <= upper, row_lower <= matrix x <= row_upper, whole where `integer` (bool [column]).

    gap: share of the objective at which the search ends.  nodes: most nodes; beyond them the best point so far counts.
    Gives the point [column] and the gap that is left. No clock ends the search: it is the same on every machine.
    Raises: NotOptimal where there is no point.
    """
    highs = highspy.Highs()
    for name, value in {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": gap,
                        "mip_max_nodes": nodes}.items():
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise RuntimeError(f"HiGHS refuses the option {name}={value}")
    by_column = matrix.tocsc()
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_, lp.row_upper_ = row_lower, row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = by_column.indptr, by_column.indices
    lp.a_matrix_.value_ = by_column.data
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[int(one)] for one in integer]
    if highs.passModel(lp) != highspy.HighsStatus.kOk:
        raise RuntimeError("HiGHS does not take the model")
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    ended = (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kSolutionLimit)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if status not in ended or not found:
        raise NotOptimal(highs.modelStatusToString(status))
    return np.array(highs.getSolution().col_value), float(max(info.mip_gap, 0.0))
