"""The sentences that a user acts on: pages, the API and the commands take them from here."""

RETAKE = "Please retake your image"
CONSULT = "Please schedule patient for a consultation"
NO_APPOINTMENT = "Patient does not need another appointment"
# Where none of the three fits.
NOT_DERMATOSCOPIC = "This is not a dermatoscopic image of skin, so it was not assessed"
TOO_POOR = "No advice: an image of this quality cannot rule anything out"
TOO_UNLIKE = "No advice: this image is unlike those that the model learnt from"
