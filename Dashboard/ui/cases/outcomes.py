"""The kinds of answer stand with what all pages share; this address is going."""

from Dashboard.ui.elements.outcomes import CLEAR as CLEAR
from Dashboard.ui.elements.outcomes import CONSULT as CONSULT
from Dashboard.ui.elements.outcomes import ERROR as ERROR
from Dashboard.ui.elements.outcomes import NONE as NONE
from Dashboard.ui.elements.outcomes import OF_VERDICT as OF_VERDICT
from Dashboard.ui.elements.outcomes import OOD as OOD
from Dashboard.ui.elements.outcomes import OUTCOMES as OUTCOMES
from Dashboard.ui.elements.outcomes import RETAKE as RETAKE
from Dashboard.ui.elements.outcomes import Outcome as Outcome
from Dashboard.ui.elements.outcomes import banner as banner
from Dashboard.ui.elements.outcomes import outcome as outcome
from Dashboard.ui.elements.outcomes import outcome_of as outcome_of
