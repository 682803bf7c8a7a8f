#!/bin/sh
# Fetches the vendored files again, after changing a version below. It unpacks
# the published archives without installing them: swagger-ui-dist pulls in
# install-time analytics, and nothing here needs a node_modules folder.
set -eu
cd "$(dirname "$0")"

swagger=swagger-ui-dist@5.35.0
redoc=redoc@2.5.4 # 3.x sends telemetry by default; stay on 2.x

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch <package@version> <folder>: unpacks the archive below $work/<folder>.
# npm checks the archive against the registry's integrity hash.
fetch() {
	mkdir "$work/$2"
	archive=$(npm pack --silent --ignore-scripts --pack-destination "$work" "$1")
	tar -xzf "$work/$archive" -C "$work/$2" --strip-components=1
}

# keep <source> <folder>: copies a text as it is; zip <source> <folder>: gzipped,
# without name and time, so that the same input gives the same bytes.
keep() { cp "$work/$1" "$2/"; }
zip() { gzip -9nc "$work/$1" >"$2/$(basename "$1").gz"; }

fetch "$swagger" swagger-ui
fetch "$redoc" redoc
rm -rf swagger-ui redoc
mkdir swagger-ui redoc

zip swagger-ui/swagger-ui-bundle.js swagger-ui
zip swagger-ui/swagger-ui.css swagger-ui
keep swagger-ui/LICENSE swagger-ui
keep swagger-ui/NOTICE swagger-ui
keep swagger-ui/swagger-ui-bundle.js.LICENSE.txt swagger-ui

zip redoc/bundles/redoc.standalone.js redoc
keep redoc/LICENSE redoc
keep redoc/bundles/redoc.standalone.js.LICENSE.txt redoc

chmod 644 swagger-ui/* redoc/*
