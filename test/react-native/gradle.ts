import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MODULES } from './example.ts'

/** What React Native's command line says of a library's native part on Android. */
export interface AndroidPart {
  libraryName?: string
  cmakeListsPath?: string
  cxxModuleCMakeListsModuleName: string
  cxxModuleCMakeListsPath: string
  cxxModuleHeaderName: string
  isPureCxxDependency: boolean
  componentDescriptors: string[]
}

const TASK = join(
  MODULES,
  '@react-native/gradle-plugin/react-native-gradle-plugin/src/main/kotlin/com/facebook/react/tasks',
  'GenerateAutolinkingNewArchitecturesFileTask.kt',
)

/** The files that the Gradle task of an app writes for one library, by the texts in the task's own Kotlin. */
export function autolinkingFiles(part: AndroidPart): Record<string, string> {
  const kotlin = readFileSync(TASK, 'utf8')
  const text = (after: string): string => {
    const from = kotlin.indexOf('"""', kotlin.indexOf(after)) + 3
    if (!kotlin.includes(after) || from < 3) throw new Error(`${TASK} has no text after ${after}; read it anew.`)
    return kotlin.slice(from, kotlin.indexOf('"""', from))
  }
  const { libraryName, cxxModuleHeaderName, cxxModuleCMakeListsModuleName } = part
  const folder = (path: string) => path.replace('CMakeLists.txt', '')
  const named = (code: string, path = '') =>
    code
      .replaceAll('$nativeFolderPath', folder(path))
      .replaceAll('$CODEGEN_LIB_PREFIX', 'react_codegen_')
      .replaceAll(/\$\{libraryName\}|\$libraryName/g, `${libraryName}`)
      .replaceAll('$cxxModuleHeaderName', cxxModuleHeaderName)
  // Without a name, a library is left out of the C++; see packagesWithLibraryNames.
  if (!kotlin.includes('packages.filter { android -> android.libraryName != null }'))
    throw new Error(`${TASK} treats libraries without a name otherwise than before; read it anew.`)
  const isNamed = libraryName !== undefined
  const fill = (template: string, values: Record<string, string>) =>
    Object.entries(values).reduce((made, [name, value]) => made.replace(`{{ ${name} }}`, value), template)

  const generated =
    isNamed && part.cmakeListsPath
      ? named(text('libraryName != null && cmakeListsPath != null'), part.cmakeListsPath)
      : ''
  const own = named(text('if (cxxModuleCMakeListsPath != null)'), part.cxxModuleCMakeListsPath)
    .replace(
      /\$\{\s*dep\.cxxModuleCMakeListsModuleName\?\.let[\s\S]*?\?: ""\s*\}/,
      () => `  list(APPEND AUTOLINKED_LIBRARIES ${cxxModuleCMakeListsModuleName})`,
    )
    .replace(/\$\{dep\.cxxModuleCMakeListsModuleName \?: libraryName\}/, cxxModuleCMakeListsModuleName)
  return {
    'Android-autolinking.cmake': fill(text('val CMAKE_TEMPLATE ='), { libraryIncludes: `${generated}\n${own}` }),
    'autolinking.h': text('val hTemplate ='),
    'autolinking.cpp': fill(text('val CPP_TEMPLATE ='), {
      autolinkingCppIncludes: isNamed ? `#include <${libraryName}.h>\n#include <${cxxModuleHeaderName}.h>` : '',
      autolinkingCppTurboModuleJavaProviders: isNamed ? named(text('val cppTurboModuleJavaProviders =')) : '',
      autolinkingCppTurboModuleCxxProviders: isNamed ? named(text('val cppTurboModuleCxxProviders =')) : '',
      autolinkingCppComponentDescriptors: '',
    }),
  }
}
