// Writes zxcvbn.tsv: what zxcvbn itself thinks of some passwords. Run it in a
// folder in which `npm install --ignore-scripts zxcvbn@4.4.2` was run:
//
//	node .../record.js >.../zxcvbn.tsv
const zxcvbn = require(require.resolve('zxcvbn', { paths: [process.cwd()] }))
const passwords = `
Password123! password password1234 P@ssw0rd p4ssw0rd drowssap Pa55word! PASSWORD pAsSwOrD passwordpassword
qwertyuiop qwertyuiop12 1qaz2wsx zaq12wsx asdfghjkl; qwer4321 1q2w3e4r5t zxcvbnm,./ QWERTY123456 poiuytrewq
123456789012 abcdefghijkl zyxwvuts 987654321 abcabcabcabc aaaaaaaaaaaaaaaa 121212121212 abc123abc123 11111111
31.12.1984 12/31/1984 19841231 31121984 1984-12-31 summer2024 Summer2024! winter1999 June2019! 01011990
sunshine Sunshine1 sunshine99 iloveyou iloveyou2 letmein! monkey123 dragonball superman1 trustno1 Charlie2015
jennifer Jennifer! michael1988 SmithJohnson mariagarcia williams77 elizabeth2 robertjones
correcthorsebatterystaple correct-horse correct_horse_battery longenough mountainriver bluegreenredyellow
elephant.kitchen.window ourhouseisgreen ihatemondays whatever123 computerkeyboard administrator
Tr0ub4dor&3 D0g.................. PrXyc.N(n4k77#L!eVdAfp9 coRrecth0rseba++ery9.23.2007staypuft11$ neverforget13/3/1997
kX9#mQ2$vL7pZ4! h7Gt$2kLp9 zq8Wn4Rt x7k2m9p4 gT4!kq9Zp2 mP3xQz vlhk2938 kjsdhfkjshdf wjqpxzvk rtbnmqwpzl
g0dz1ll4 m0nk3y5! b4tm4n2016 dr4g0n1337 l33th4x0r c0mput3r 5up3rm4n
їїїїїїїїїї passwort für-heute Ключ-від-дому-2024 日本語のパスワード пароль123
a ab abc 1234 love x1 zz99 gatehouse-2026 daarion2024 user1234 admin2024! root12345 changeme welcome1 Welcome2024
`.trim().split(/\s+/).concat(['long enough', 'correct horse battery', 'sunshine and rain', 'to be or not to be', 'a b c d e f g h'])
console.log('# score, log10 of the guesses, password: zxcvbn 4.4.2 (npm), written by record.js')
for (const password of passwords) {
  const { score, guesses_log10 } = zxcvbn(password)
  console.log([score, guesses_log10.toFixed(2), password].join('\t'))
}
