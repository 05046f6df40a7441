#!/bin/sh
# Removes from a virtual environment what nobody uses at run time: tests, stubs, symbols of compiled libraries, and
# the parts of large packages that Towpath never imports.
set -eu
cd "$1"/lib/python3*/site-packages

find . -type d \( -name tests -o -name test \) -not -path './prefect/*' -prune -exec rm -rf {} +
find . -name '*_test.py' -delete
find . -name '*.pyi' -delete
find . \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.cpp' \) -delete
# Towpath sends raw JSON to the API server: docs/decisions/0001-libraries.md.
rm -rf kubernetes/aio kubernetes/client/api
find kubernetes/client/models -name '*.py' ! -name __init__.py -delete
# Of CEL's extensions, src/towpath/config/cel.py uses three others.
rm -f cel_expr_python/ext/ext_bindings.*.so cel_expr_python/ext/ext_math.*.so cel_expr_python/ext/ext_proto.*.so
# Languages whose text nobody colours here.
find pygments/lexers -name '*.py' ! -name __init__.py ! -name _mapping.py ! -name special.py ! -name python.py \
    ! -name data.py ! -name diff.py -delete
find . -name '*.so*' -type f -exec strip --strip-unneeded {} +
