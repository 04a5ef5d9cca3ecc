"""SS7: MTP3 routing labels, M3UA and its kin, ISUP. Bytes to values and back, lossless; ANSI and ITU-T."""
