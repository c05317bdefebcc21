// Makes android/ and ios/: those of React Native's template for this version, with this app's name and what it asks the phone for.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const TEMPLATE = '@react-native-community/template@0.88.0-rc.2-c821f5d'
/** In the template's files and their names. */
const NAME = 'HelloWorld'
const DISPLAY_NAME = 'Hello App Display Name'
const TEXT =
  /\.(gradle|java|kt|kts|xml|plist|swift|h|m|mm|pbxproj|xcscheme|storyboard|properties|xcprivacy|json)$|^(Podfile|Gemfile)$/
const CAMERA = 'The camera shows what you want named. Nothing that it sees leaves this phone.'

const { name, displayName } = JSON.parse(readFileSync(join(here, 'app.json'), 'utf8'))
const present = ['android', 'ios'].filter((folder) => existsSync(join(here, folder)))
if (present.length) {
  process.stderr.write(`${present.join(' and ')} is there already: remove it first, it would be overwritten.\n`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'native-folders-'))
try {
  const [packed] = JSON.parse(execFileSync('npm', ['pack', TEMPLATE, '--json', '--silent'], { cwd: folder }))
  execFileSync('tar', ['xzf', packed.filename], { cwd: folder })
  const template = join(folder, 'package', 'template')
  for (const part of ['android', 'ios', 'Gemfile']) {
    rename(join(template, part))
    cpSync(join(template, part), join(here, part), { recursive: true })
  }
} finally {
  rmSync(folder, { recursive: true })
}

edit('android/app/src/main/AndroidManifest.xml', /<uses-permission [^>]*INTERNET[^>]*>/, (found) =>
  [found, '<uses-permission android:name="android.permission.CAMERA" />'].join('\n    '),
)
edit(
  'ios/DynedgeExample/Info.plist',
  /<\/dict>\s*<\/plist>/,
  (end) => `\t<key>NSCameraUsageDescription</key>\n\t<string>${CAMERA}</string>\n${end}`,
)
process.stdout.write(
  'android/ and ios/ are made. Next: npm run android, or in ios/: bundle install, bundle exec pod install, npm run ios.\n',
)

/** Gives this app's name to a file or folder, and all that it holds. */
function rename(path) {
  if (statSync(path).isDirectory()) for (const entry of readdirSync(path)) rename(join(path, entry))
  else if (TEXT.test(path.replace(/.*[\\/]/, ''))) {
    const text = readFileSync(path, 'utf8')
    const named = text
      .replaceAll(DISPLAY_NAME, displayName)
      .replaceAll(NAME, name)
      .replaceAll(NAME.toLowerCase(), name.toLowerCase())
    if (named !== text) writeFileSync(path, named)
  }
  // npm leaves files with a dot out; the template has a line there.
  const own = path.replace(/[^\\/]*$/, (last) =>
    last.replace(NAME, name).replace(NAME.toLowerCase(), name.toLowerCase()).replace(/^_/, '.'),
  )
  if (own !== path) renameSync(path, own)
}

function edit(file, what, change) {
  const path = join(here, file)
  const text = readFileSync(path, 'utf8')
  if (!what.test(text)) throw new Error(`${file} has no ${what}: the template has changed.`)
  writeFileSync(path, text.replace(what, change))
}
