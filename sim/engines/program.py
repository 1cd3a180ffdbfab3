"""One linear programme that lives for many days: its bounds, costs and sides change in place, its basis stays.

Source: dual simplex of HiGHS [Huangfu2018].
"""

import highspy
import numpy as np
from scipy import sparse

OPTIONS = {"output_flag": False, "threads": 1, "presolve": "off", "solver": "simplex", "random_seed": 0,
           "simplex_strategy": 1, "simplex_dual_edge_weight_strategy": 2, "dual_feasibility_tolerance": 1e-8}
PERTURBATION = "dual_simplex_cost_perturbation_multiplier"


class NotOptimal(Exception):
    """The solver ended without an optimum; the message is its status."""


class Program:
    """Least c x with lower <= x <= upper and row_lower <= A x <= row_upper.

    x: [column], the last solution.  matrix: A, sparse by rows.  iterations: simplex iterations so far.
    generic: costs have no ties of their own, so the solver need not perturb them.
    """

    def __init__(self, generic: bool):
        self._highs = highspy.Highs()
        for name, value in (OPTIONS | {PERTURBATION: 0.0 if generic else 1.0}).items():
            # an option that this build does not know is refused with a status, not with an exception
            if self._highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
                raise RuntimeError(f"HiGHS refuses the option {name}={value}")
        self.iterations = 0
        self._parts: list[sparse.csr_array] = []

    @property
    def matrix(self) -> sparse.csr_array | None:
        """A; None before one was loaded."""
        if len(self._parts) > 1:  # rows come in many small lots: they are stacked when somebody looks
            self._parts = [sparse.vstack(self._parts, format="csr")]
        return self._parts[0] if self._parts else None

    def load(self, matrix: sparse.csr_array):
        """Take a matrix; all bounds are zero until set.

        The columns of an earlier matrix must come first in it, and the rows be the same: the basis is kept, new columns
        start at their bound.
        """
        old, matrix = self._highs.getBasis(), _solid(matrix)
        self._parts = [matrix]
        self._rows, self._columns = (np.arange(n, dtype=np.int32) for n in matrix.shape)
        by_column = matrix.tocsc()
        lp = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = lp.col_lower_ = lp.col_upper_ = np.zeros(matrix.shape[1])
        lp.row_lower_ = lp.row_upper_ = np.zeros(matrix.shape[0])
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = by_column.indptr, by_column.indices
        lp.a_matrix_.value_ = by_column.data
        self._done(self._highs.passModel(lp))
        if old.valid:
            new = matrix.shape[1] - len(old.col_status)
            old.col_status = list(old.col_status) + [highspy.HighsBasisStatus.kLower] * new
            self._done(self._highs.setBasis(old))

    def append(self, rows: sparse.csr_array, lower: np.ndarray, upper: np.ndarray):
        """Add rows to the matrix; the basis stays."""
        rows = _solid(rows)
        self._done(self._highs.addRows(rows.shape[0], lower, upper, rows.nnz, rows.indptr[:-1].astype(np.int32),
                                       rows.indices.astype(np.int32), rows.data))
        self._parts.append(rows)
        self._rows = np.arange(len(self._rows) + rows.shape[0], dtype=np.int32)
        self._row_lower, self._row_upper = np.append(self._row_lower, lower), np.append(self._row_upper, upper)

    def bound(self, lower: np.ndarray, upper: np.ndarray):
        """Set the bounds of all columns."""
        self._lower, self._upper = lower, upper
        self._done(self._highs.changeColsBounds(len(lower), self._columns, lower, upper))

    def price(self, cost: np.ndarray):
        """Set the costs of all columns."""
        self._done(self._highs.changeColsCost(len(cost), self._columns, cost))

    def bound_rows(self, lower: np.ndarray, upper: np.ndarray):
        """Set both sides of all rows."""
        self._row_lower, self._row_upper = lower, upper
        self._done(self._highs.changeRowsBounds(len(lower), self._rows, lower, upper))

    def solve(self):
        """Find the optimum from the present basis. Raises: NotOptimal."""
        self._highs.run()
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NotOptimal(self._highs.modelStatusToString(status))
        self.iterations += self._highs.getInfo().simplex_iteration_count
        self.x = np.array(self._highs.getSolution().col_value)

    def duals(self, cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Row duals y and reduced costs d of the present basis under any costs: B'y = c_B, d = c - A'y.

        y is what one unit more on the right-hand side costs.
        """
        status, basic = self._highs.getBasicVariables()
        self._done(status)
        priced = np.where(basic >= 0, cost[np.maximum(basic, 0)], 0.0)  # a basic row has no cost
        status, y = self._highs.getBasisTransposeSolve(priced)
        self._done(status)
        return y, cost - self.matrix.T @ y

    def wrong(self, y: np.ndarray, d: np.ndarray) -> float:
        """Largest dual infeasibility: a cost that moving off a bound, or within the bounds, would still save."""
        return max(_wrong(d, self.x, self._lower, self._upper),
                   _wrong(y, self.matrix @ self.x, self._row_lower, self._row_upper))

    def kkt(self, y: np.ndarray, d: np.ndarray, cost: np.ndarray) -> float:
        """Largest residual of the optimality conditions, relative to the largest value and the largest cost."""
        activity = self.matrix @ self.x
        outside = max(_outside(self.x, self._lower, self._upper), _outside(activity, self._row_lower, self._row_upper))
        size, worth = max(1.0, np.abs(self.x).max(initial=0.0)), max(1.0, np.abs(cost).max(initial=0.0))
        return float(max(outside / size, self.wrong(y, d) / worth))

    def _done(self, status):
        if status != highspy.HighsStatus.kOk:
            raise RuntimeError(f"HiGHS answers {status}")


def _solid(matrix: sparse.csr_array) -> sparse.csr_array:
    """Without the coefficients that HiGHS would leave out with a warning: differences of equal numbers."""
    kept = matrix.copy()
    kept.data[np.abs(kept.data) <= 1e-9] = 0.0
    kept.eliminate_zeros()
    return kept


def _outside(value, lower, upper):
    return max((lower - value).max(initial=0.0), (value - upper).max(initial=0.0))


def _wrong(dual, value, lower, upper):
    """Largest dual of the wrong sign: positive above the lower bound, or negative below the upper one."""
    near = 1e-6 * (1.0 + np.abs(value))
    high, low = dual[value > lower + near], dual[value < upper - near]
    return max(high.max(initial=0.0), (-low).max(initial=0.0))
