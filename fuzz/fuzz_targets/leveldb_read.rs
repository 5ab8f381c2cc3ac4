#![cfg_attr(fuzzing, no_main)]
ssb_fuzz::target!(leveldb_read);
