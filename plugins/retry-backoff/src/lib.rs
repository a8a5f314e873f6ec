//! Witgate plugin: failed calls tried again, later and with care.
