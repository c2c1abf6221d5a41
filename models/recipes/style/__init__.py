"""Three painterly filters, and the networks that learn them: ink, oil and mosaic."""
