add_library(fbjni::fbjni INTERFACE IMPORTED)
