"""From a checkpoint to its serving form, an OpenVINO graph in the cache folder."""
