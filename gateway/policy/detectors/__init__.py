"""The detectors of denial of service, one file each (L8, L10)."""
