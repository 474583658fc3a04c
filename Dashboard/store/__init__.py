"""What the dashboard keeps: pictures, assessments, lesions, and what a clinician says of them."""
