// The Python that fetches one wheel through pip's own session, from where an earlier fetch of it ended.

/** Exit codes of the script, beside 0 and Python's own 1. */
export const NOT_FOUND = 3;
export const NO_SPACE = 4;
/** This pip is built differently: use plain `pip download`. */
export const OTHER_PIP = 5;

/**
 * Arguments: project, file name, part file, bytes, then options of `pip download`. Prints the length of the part as it
 * grows, a number a line. A server that knows no Range is read from the start; a cut is tried again as often as pip's
 * option `retries` says (five times), each time from where it was cut.
 */
export const fetchScript = `
import errno, logging, os, sys, time
project, wanted, part, size = sys.argv[1:4] + [int(sys.argv[4])]
def end(code, words):
    print(words, file=sys.stderr)
    sys.exit(code)
# An index that does not answer is a line in pip's log, and no error.
unreached = []
class Keep(logging.Handler):
    def emit(self, record):
        if 'Could not fetch URL' in record.getMessage():
            unreached.append(record.getMessage())
log = logging.getLogger('pip._internal.index.collector')
log.setLevel(logging.DEBUG)
log.addHandler(Keep())
try:
    from pip._internal.cli.cmdoptions import make_target_python
    from pip._internal.commands.download import DownloadCommand
    from pip._internal.exceptions import PipError
    from pip._vendor.requests import RequestException
    command = DownloadCommand('download', '')
    options, _ = command.parse_args(['--no-cache-dir'] + sys.argv[5:] + [project])
    # Never left: what it holds (the session) is needed to the end of the process.
    context = command.main_context()
    context.__enter__()
    session = command.get_default_session(options)
    finder = command._build_package_finder(options, session, target_python=make_target_python(options))
    found = finder.find_all_candidates(project)
    links = [each.link for each in found if each.link.filename == wanted]
except (ImportError, AttributeError, TypeError) as error:
    end(${OTHER_PIP}, error)
except (PipError, RequestException) as error:
    end(1, error)
if not found and unreached:
    end(1, unreached[0])
if not links:
    end(${NOT_FOUND}, 'no such file; %d of %s that fit' % (len(found), project))
url = links[0].url.split('#')[0]
tries, said = 0, 'the connection was cut'
try:
    with open(part, 'ab') as file:
        while file.tell() < size and tries <= options.retries:
            start = file.tell()
            try:
                headers = {'Accept-Encoding': 'identity'}
                if start:
                    headers['Range'] = 'bytes=%d-' % start
                answer = session.get(url, headers=headers, stream=True)
                if answer.status_code not in (200, 206):
                    said = 'the server answers %d' % answer.status_code
                    if answer.status_code < 500 and answer.status_code not in (408, 429):
                        break
                else:
                    if answer.status_code == 200:
                        file.seek(0)
                        file.truncate()
                    for piece in answer.iter_content(1 << 18):
                        file.write(piece)
                        print(file.tell(), flush=True)
                        if file.tell() > size:
                            break
            except RequestException as error:
                said = str(error)
            file.flush()
            if file.tell() < size:
                tries = 1 if file.tell() > start else tries + 1
                time.sleep(min(8, 0.25 * 2 ** tries))
        if file.tell() < size:
            end(1, said)
except OSError as error:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        end(${NO_SPACE}, error)
    raise
`;
