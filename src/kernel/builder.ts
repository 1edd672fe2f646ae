// Builds src/ into dist/ in a process of its own, with the TypeScript program kept warm: after the first build an edit
// costs a fraction of a second. The kernel starts it at the first edit; it ends when idle, and with the kernel.
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { writeFileAtomic } from '../base/files';
import { inRepo, repoRoot } from '../base/paths';
import { cocBuild } from './coc-build';

/** What the kernel gets back: the errors, none for a good build. */
export interface BuildReply {
  errors: string[];
}

const idleMilliseconds = 10 * 60_000;
const configFile = inRepo('src', 'tsconfig.json');

class WarmProgram {
  private program: ts.EmitAndSemanticDiagnosticsBuilderProgram | undefined;
  private readonly sources = new Map<string, { state: string; file: ts.SourceFile | undefined }>();

  /** Compile what changed. Nothing is written when there is an error. */
  compile(): string[] {
    const config = ts.getParsedCommandLineOfConfigFile(
      configFile,
      {},
      { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
    );
    if (!config) return [`${configFile} cannot be read`];
    const { fileNames } = config;
    // Errors are looked for below, in the files that an edit touches. With noEmitOnError the compiler would look through
    // all files again before it writes, two seconds of the 2.5 that an edit then takes.
    const options = { ...config.options, noEmitOnError: false };
    // Who removed dist/ removed what the warm program thinks it has written.
    if (!existsSync(options.tsBuildInfoFile ?? '')) this.program = undefined;
    const host = this.host(options);
    this.program = ts.createEmitAndSemanticDiagnosticsBuilderProgram(
      fileNames,
      options,
      host,
      this.program ?? ts.readBuilderProgram(options, host),
      ts.getConfigFileParsingDiagnostics(config),
    );
    const { program } = this;
    const errors = [
      ...program.getConfigFileParsingDiagnostics(),
      ...program.getOptionsDiagnostics(),
      ...program.getSyntacticDiagnostics(),
      ...program.getGlobalDiagnostics(),
      ...program.getSemanticDiagnostics(),
    ];
    if (errors.length > 0) return errors.map(describe);
    return program.emit().diagnostics.map(describe);
  }

  /** Files are parsed again only when their time or size changed; a reader of dist/ sees no half file. */
  private host(options: ts.CompilerOptions): ts.CompilerHost {
    const host = ts.createIncrementalCompilerHost(options);
    const parse = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...rest) => {
      const stat = statSync(name, { throwIfNoEntry: false });
      const state = stat ? `${stat.mtimeMs} ${stat.size}` : '';
      const known = this.sources.get(name);
      if (known?.state === state) return known.file;
      const file = parse(name, ...rest);
      this.sources.set(name, { state, file });
      return file;
    };
    host.writeFile = (name, text) => writeFileAtomic(name, text);
    return host;
  }
}

function describe({ file, start, code, messageText }: ts.Diagnostic): string {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n  ');
  if (!file || start === undefined) return `error TS${code}: ${text}`;
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  return `${path.relative(repoRoot, file.fileName)}:${line + 1}:${character + 1} - error TS${code}: ${text}`;
}

const warm = new WarmProgram();

function build(): BuildReply {
  return cocBuild.withLock(() => {
    if (cocBuild.isFresh()) return { errors: [] };
    const stamp = cocBuild.stampOf();
    const errors = warm.compile();
    if (errors.length === 0) {
      cocBuild.sweep();
      writeFileAtomic(cocBuild.stampFile, stamp);
    }
    return { errors };
  });
}

const leave = (): never => process.exit(0);
let idle = setTimeout(leave, idleMilliseconds);
process.on('disconnect', leave);
process.on('message', () => {
  clearTimeout(idle);
  process.send!(build());
  idle = setTimeout(leave, idleMilliseconds);
});
