#!/bin/sh
# Makes the lists again, after changing a version below. It unpacks the
# published archives without installing them, and writes one entry a line, the
# most frequent first, in lower case and Unicode form NFKC.
set -eu
cd "$(dirname "$0")"

common=@zxcvbn-ts/language-common@4.1.3
english=zxcvbn@4.4.2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch <package@version> <folder>: npm checks the archive against the
# registry's integrity hash.
fetch() {
	mkdir "$work/$2"
	archive=$(npm pack --silent --ignore-scripts --pack-destination "$work" "$1")
	tar -xzf "$work/$archive" -C "$work/$2" --strip-components=1
}

fetch "$common" common
fetch "$english" english

node - "$work" <<'SCRIPT'
const { writeFileSync } = require('fs')
const work = process.argv[2]
const folded = (words) => [...new Set(words.map((w) => w.normalize('NFKC').toLowerCase()))]
const write = (name, words) => writeFileSync(`${work}/${name}`, words.join('\n') + '\n')

const passwords = folded(require(`${work}/common/src/passwords.json`))
write('passwords.txt', passwords)

// A word stands where its best place in any list puts it.
const { passwords: _, ...lists } = require(`${work}/english/lib/frequency_lists.js`)
const place = new Map()
for (const list of Object.values(lists))
  folded(list).forEach((word, at) => {
    if (word.length >= 3 && !(place.get(word) <= at)) place.set(word, at)
  })
write('words.txt', [...place.keys()].sort((a, b) => place.get(a) - place.get(b) || (a < b ? -1 : 1)))
SCRIPT

# Without name and time, so that the same input gives the same bytes.
for list in passwords words; do
	gzip -9nc "$work/$list.txt" >"$list.txt.gz"
done
cp "$work/common/LICENSE.txt" LICENSE.passwords.txt
cp "$work/english/LICENSE.txt" LICENSE.words.txt
chmod 644 ./*.txt ./*.gz
