"""Stands in for curl in the shell commands of the pages, so that their test needs nothing that `make` does not.

It knows the few options that the pages use and refuses any other.
"""

import argparse
import sys

import httpx


def main() -> None:
    """Send one request and print the body of its answer, whatever its status."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("url")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    arguments = parser.parse_args()
    method = arguments.method or ("GET" if arguments.body is None else "POST")
    headers = dict(header.split(": ", 1) for header in arguments.headers)
    sys.stdout.write(httpx.request(method, arguments.url, headers=headers, content=arguments.body).text)


if __name__ == "__main__":
    main()
