"""Decoders of the clinical formats: a file's content as groups of leads in millivolts."""
