"""The sentences that a user acts on: pages, the API and the commands take them from here."""

RETAKE = "Please retake your image"
CONSULT = "Please schedule patient for a consultation"
NO_APPOINTMENT = "Patient does not need another appointment"
# Where none of the three fits.
NOT_DERMATOSCOPIC = "This is not a dermatoscopic image of skin, so it was not assessed"
NO_ADVICE = "No advice: this image cannot rule anything out"
