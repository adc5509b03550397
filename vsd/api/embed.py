#!/usr/bin/python3
"""Turns a text file into a C++ header with one constant: embed.py INPUT OUTPUT CONSTANT."""
import sys

text = open(sys.argv[1], encoding="utf-8").read()
assert ')varlink"' not in text
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write("#pragma once\n#include <string_view>\n")
    out.write(f'inline constexpr std::string_view {sys.argv[3]} = R"varlink({text})varlink";\n')
