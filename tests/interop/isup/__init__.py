"""The ISUP codec against readers that others wrote: tshark for both variants, pycrate for ITU-T."""
