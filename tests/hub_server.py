"""A small Hub on 127.0.0.1: datasets as commits on disk, and the calls that push and load them.

Answers follow what huggingface_hub 0.30 to 2.4 sends and reads. It refuses what the Hub refuses:
unknown fields, wrong parents, sizes and digests, writes without the right to write. `faults` maps
the number of a request, or the end of its path, to the trouble it meets.
"""

import asyncio
import base64
import fnmatch
import hashlib
import json
import re
import secrets
import threading

import yaml
from aiohttp import web

EMPTY = hashlib.sha1(b"").hexdigest()
LFS = (".parquet", ".png")
TOKENS = {
    "hf_writer": {"user": "writer", "write": True},
    "hf_reader": {"user": "reader", "write": False},
}
ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def refuse(status, text, code=None):
    headers = {"X-Error-Message": text, **({"X-Error-Code": code} if code else {})}
    kind = type("Refusal", (web.HTTPClientError,), {"status_code": status})
    return kind(text=json.dumps({"error": text}), headers=headers, content_type="application/json")


def fields(mapping, known, needed=()):
    """A mapping of JSON, with all that is needed and nothing that is not known."""
    if not isinstance(mapping, dict) or {*mapping} - {*known} or {*needed} - {*mapping}:
        raise refuse(400, f"expected {', '.join(known)}, got {mapping!s:.200}")
    return mapping


class Hub:
    """The server and its repositories; `url` is what HF_ENDPOINT has to be."""

    def __init__(self, folder, socket):
        self.folder, self.requests, self.faults = folder, [], {}
        self.socket, self.url = socket, f"http://127.0.0.1:{socket.getsockname()[1]}"
        self.before_commit = None  # called with the repository before a commit is looked at
        self.uploaded = 0  # bytes of PUT and of files within commits
        self.gated = set()
        self.ignores_ranges = False
        self.held, self.released = threading.Event(), threading.Event()
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait()

    # --- Serving ----------------------------------------------------------------------------------

    def run(self, started):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        application = web.Application(middlewares=[self.trouble], client_max_size=1 << 30)
        repo = r"/api/datasets/{repo:[^/]+/[^/]+}"
        application.add_routes([
            web.get("/api/whoami-v2", self.whoami),
            web.post("/api/validate-yaml", self.validate_yaml),
            web.post("/api/repos/create", self.create),
            web.get(repo, self.info),
            web.get(repo + "/revision/{revision}", self.info),
            web.get(repo + "/refs", self.refs),
            web.get(repo + "/tree/{revision}", self.tree),
            web.get(repo + "/tree/{revision}/{path:.+}", self.tree),
            web.post(repo + "/paths-info/{revision}", self.paths_info),
            web.post(repo + "/branch/{branch}", self.branch),
            web.post(repo + "/tag/{revision}", self.tag),
            web.post(repo + "/preupload/{revision}", self.preupload),
            web.post(repo + "/commit/{revision}", self.commit),
            web.post(r"/datasets/{repo:[^/]+/[^/]+}.git/info/lfs/objects/batch", self.batch),
            web.put("/lfs/{repo:[^/]+/[^/]+}/{oid}", self.put),
            web.post("/lfs/{repo:[^/]+/[^/]+}/verify", self.verify),
            web.get(r"/datasets/{repo:[^/]+/[^/]+}/resolve/{revision}/{path:.+}", self.resolve),
        ])  # fmt: skip
        runner = web.AppRunner(application, access_log=None)
        self.loop.run_until_complete(runner.setup())
        self.loop.run_until_complete(web.SockSite(runner, self.socket).start())
        started.set()
        self.loop.run_forever()

    @web.middleware
    async def trouble(self, request, handler):
        """Note the request, and let it meet the trouble that is ordered for it."""
        fault = self.fault_of(len(self.requests), request.path)
        self.requests.append((request.method, request.path))
        if isinstance(fault, int):
            content_type = "text/html" if fault == 503 else "application/json"
            return web.Response(
                status=fault, text="<html>trouble</html>", content_type=content_type
            )
        if callable(fault):
            return await fault(request)
        if fault == "cut":
            request.transport.abort()
            return web.Response()
        if fault == "somebody commits":
            self.commit_by_somebody(request)
        if fault == "held":
            await self.hold()
        response = await handler(request)
        return await self.lose(fault, request, response)

    def fault_of(self, number, path):
        """Return the trouble for a request, by its number or by the end of its path."""
        ends = [end for end in self.faults if isinstance(end, str) and path.endswith(end)]
        return self.faults.get(number, self.faults[ends[0]] if ends else None)

    async def lose(self, fault, request, response):
        """Return what the client gets of a response to a request that was performed."""
        if fault == "performed, then held":
            await self.hold()
        if fault == "performed, then 503":
            return web.Response(status=503, text="<html>trouble</html>", content_type="text/html")
        if fault == "performed, then cut":
            request.transport.abort()
        return response

    async def hold(self):
        """Say that the request has come, and answer it once the test has released it."""
        self.held.set()
        while not self.released.is_set():
            await asyncio.sleep(0.02)

    def commit_by_somebody(self, request):
        name = request.match_info.get("repo")
        if name and (self.path(name) / "repository.json").exists():
            self.add(name, {"theirs.txt": b"theirs"})

    # --- Repositories -----------------------------------------------------------------------------

    def path(self, name):
        return self.folder / "repositories" / name

    def read(self, name):
        """Return what repository.json holds: private, refs, tags, pulls and commits."""
        return json.loads((self.path(name) / "repository.json").read_text(encoding="utf-8"))

    def write(self, name, repository):
        (self.path(name) / "repository.json").write_text(json.dumps(repository), encoding="utf-8")

    def content(self, name, file):
        return (self.path(name) / "objects" / (file.get("sha256") or file["oid"])).read_bytes()

    def store(self, name, content, lfs):
        file = {"size": len(content), "oid": git_sha1(content)}
        if lfs:
            file["sha256"] = hashlib.sha256(content).hexdigest()
            file["oid"] = git_sha1(f"oid sha256:{file['sha256']}\nsize {len(content)}\n".encode())
        (self.path(name) / "objects" / (file.get("sha256") or file["oid"])).write_bytes(content)
        return file

    def make(self, name, private=False):
        (self.path(name) / "objects").mkdir(parents=True)
        self.write(name, {"private": private, "refs": {}, "tags": {}, "pulls": {}, "commits": {}})
        self.add(name, {".gitattributes": ATTRIBUTES}, "initial commit")

    def add(self, name, files, title="by somebody else", branch="main"):
        """Commit {path: bytes, or None to delete it} as another client would; return the sha."""
        repository = self.read(name)
        parent = repository["refs"].get(branch)
        kept = dict(repository["commits"][parent]["files"]) if parent else {}
        for path, content in files.items():
            kept.pop(path, None)
            if content is not None:
                kept[path] = self.store(name, content, path.endswith(LFS))
        return self.record(name, repository, branch, parent, title, kept)

    def record(self, name, repository, branch, parent, title, files):
        sha = hashlib.sha1(
            json.dumps([parent, title, files, secrets.token_hex()]).encode()
        ).hexdigest()
        repository["commits"][sha] = {"parent": parent, "title": title, "files": files}
        if branch is not None and branch.startswith("refs/pr/"):
            repository["pulls"][branch.removeprefix("refs/pr/")] = sha
        elif branch is not None:
            repository["refs"][branch] = sha
        self.write(name, repository)
        return sha

    def head(self, name, branch="main"):
        return self.read(name)["refs"].get(branch)

    def files(self, name, branch="main"):
        """{path: bytes} at a branch."""
        repository = self.read(name)
        listed = repository["commits"][repository["refs"][branch]]["files"]
        return {path: self.content(name, file) for path, file in listed.items()}

    def who(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token not in TOKENS:
            raise refuse(401, "Invalid credentials in Authorization header")
        return TOKENS.get(token)

    def find(self, request, write=False):
        """(name, repository, its sha at the revision asked for)."""
        name, who = request.match_info["repo"], self.who(request)
        there = (self.path(name) / "repository.json").exists()
        repository = self.read(name) if there else None
        if not there or (repository["private"] and (not who or who["user"] != name.split("/")[0])):
            if who is None:  # the Hub does not tell strangers what there is; by its https address
                # the clients take this for a missing repository, as they do here by the code
                raise refuse(401, "Invalid username or password.", "RepoNotFound")
            raise refuse(404, "Repository not found", "RepoNotFound")
        if name in self.gated and not request.path.startswith(f"/api/datasets/{name}"):
            raise refuse(403, "Access to this dataset is restricted", "GatedRepo")
        if write and who is None:
            raise refuse(401, "You need to be logged in")
        if write and not (who["write"] and who["user"] == name.split("/")[0]):
            raise refuse(403, f"You do not have the right to write to {name}")
        revision = request.match_info.get("revision", "main")
        pulls = {f"refs/pr/{number}": sha for number, sha in repository["pulls"].items()}
        sha = {**repository["tags"], **repository["refs"], **pulls}.get(revision, revision)
        if "revision" not in request.match_info:
            sha = repository["refs"].get("main", next(iter(repository["refs"].values())))
        if sha not in repository["commits"]:
            raise refuse(404, "Invalid rev id", "RevisionNotFound")
        return name, repository, sha

    # --- Reading calls ----------------------------------------------------------------------------

    async def whoami(self, request):
        who = self.who(request)
        if who is None:
            raise refuse(401, "You need to be logged in")
        return web.json_response({"type": "user", "name": who["user"], "orgs": []})

    async def info(self, request):
        name, repository, sha = self.find(request)
        files = repository["commits"][sha]["files"]
        answer = {
            "_id": "0" * 24,
            "id": name,
            "author": name.split("/")[0],
            "sha": sha,
            "private": repository["private"],
            "gated": "auto" if name in self.gated else False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "lastModified": "2026-01-01T00:00:00.000Z",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "siblings": [{"rfilename": path} for path in files],
        }
        return web.json_response(answer)

    async def refs(self, request):
        _, repository, _ = self.find(request)
        fields(dict(request.query), ("include_prs",))

        def listed(key, place):
            return [
                {"name": name, "ref": f"refs/{place}/{name}", "targetCommit": sha}
                for name, sha in repository[key].items()
            ]

        answer = {
            "branches": listed("refs", "heads"),
            "converts": [],
            "tags": listed("tags", "tags"),
        }
        if request.query.get("include_prs"):
            answer["pullRequests"] = listed("pulls", "pr")
        return web.json_response(answer)

    def entry(self, path, file):
        entry = {"type": "file", "path": path, "oid": file["oid"], "size": file["size"]}
        if "sha256" in file:
            entry["lfs"] = {"oid": file["sha256"], "size": file["size"], "pointerSize": 130}
        return entry

    def entries(self, files, folder, recursive):
        prefix, seen = f"{folder}/" if folder else "", set()
        for path, file in sorted(files.items()):
            if path.startswith(prefix):
                parts = path.removeprefix(prefix).split("/")
                for end in range(1, len(parts)) if recursive else range(1, min(2, len(parts))):
                    above = prefix + "/".join(parts[:end])
                    if above not in seen:
                        seen.add(above)
                        yield {"type": "directory", "path": above, "oid": EMPTY, "size": 0}
                if recursive or len(parts) == 1:
                    yield self.entry(path, file)

    async def tree(self, request):
        _, repository, sha = self.find(request)
        fields(dict(request.query), ("recursive", "expand", "limit", "cursor"))
        files, folder = repository["commits"][sha]["files"], request.match_info.get("path", "")
        entries = [
            *self.entries(
                files, folder, request.query.get("recursive", "").lower() in ("true", "1")
            )
        ]
        if folder and not entries:
            raise refuse(404, "Path not found", "EntryNotFound")
        return web.json_response(entries)

    async def paths_info(self, request):
        _, repository, sha = self.find(request)
        body = (
            await request.json()
            if request.content_type == "application/json"
            else dict(await request.post())
        )
        fields(body, ("paths", "expand"), ("paths",))
        files = repository["commits"][sha]["files"]
        paths = (
            body["paths"]
            if isinstance(body["paths"], list)
            else (await request.post()).getall("paths")
        )
        found = [self.entry(path, files[path]) for path in paths if path in files]
        folders = [path for path in paths if any(each.startswith(f"{path}/") for each in files)]
        return web.json_response(
            found
            + [{"type": "directory", "path": path, "oid": EMPTY, "size": 0} for path in folders]
        )

    async def resolve(self, request):
        name, repository, sha = self.find(request)
        file = repository["commits"][sha]["files"].get(request.match_info["path"])
        if file is None:
            raise refuse(404, "Entry not found", "EntryNotFound")
        content, status = self.content(name, file), 200
        headers = {
            "X-Repo-Commit": sha,
            "ETag": f'"{file.get("sha256", file["oid"])}"',
            "Accept-Ranges": "bytes",
        }
        if "sha256" in file:
            headers.update(
                {"X-Linked-Etag": f'"{file["sha256"]}"', "X-Linked-Size": str(file["size"])}
            )
        wanted = "" if self.ignores_ranges else request.headers.get("range", "")
        if match := re.fullmatch(r"bytes=(\d+)-(\d*)", wanted):
            start, stop = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
            if start > stop:
                raise refuse(416, "Range not satisfiable")
            headers["Content-Range"] = f"bytes {start}-{stop}/{len(content)}"
            content, status = content[start : stop + 1], 206
        return web.Response(status=status, body=content, headers=headers)

    # --- Writing calls ----------------------------------------------------------------------------

    async def validate_yaml(self, request):
        body = fields(await request.json(), ("content", "repoType"), ("content", "repoType"))
        match = re.match(r"---\n(.*?)\n---\n", body["content"], re.DOTALL)
        values, errors = yaml.safe_load(match[1]) if match else {}, []
        if not isinstance(values.get("license", []), (str, list)):
            errors.append({"message": '"license" must be a string'})
        if not isinstance(values.get("task_categories", []), list):
            errors.append({"message": '"task_categories" must be an array'})
        return web.json_response({"errors": errors, "warnings": []}, status=400 if errors else 200)

    async def create(self, request):
        known = ("name", "organization", "type", "private", "visibility")
        body, who = fields(await request.json(), known, ("name", "type")), self.who(request)
        if who is None:
            raise refuse(401, "You need to be logged in")
        owner = body.get("organization") or who["user"]
        if owner != who["user"] or not who["write"]:
            raise refuse(
                403, f"You don't have the rights to create a dataset under the namespace {owner!r}"
            )
        name = f"{owner}/{body['name']}"
        answer = {"url": f"{self.url}/datasets/{name}", "name": name}
        if self.path(name).exists():
            answer["error"] = "You already created this dataset repo"
            return web.json_response(answer, status=409)
        self.make(name, body.get("private", body.get("visibility") == "private"))
        return web.json_response(answer)

    async def branch(self, request):
        name, repository, _ = self.find(request, write=True)
        body, branch = (
            fields(await request.json(), ("startingPoint",)),
            request.match_info["branch"],
        )
        if branch in repository["refs"]:
            raise refuse(409, "Reference already exists")
        start = body.get("startingPoint", "main")
        repository["refs"][branch] = repository["refs"].get(start, start)
        self.write(name, repository)
        return web.json_response({})

    async def tag(self, request):
        name, repository, sha = self.find(request, write=True)
        body = fields(await request.json(), ("tag", "message"), ("tag",))
        if body["tag"] in repository["tags"]:
            raise refuse(409, "Tag already exists")
        repository["tags"][body["tag"]] = sha
        self.write(name, repository)
        return web.json_response({})

    def ignored(self, name, files, body):
        """Return the patterns of the client's .gitignore, or else of the repository's."""
        text = body.get("gitIgnore")
        if text is None and ".gitignore" in files:
            text = self.content(name, files[".gitignore"]).decode()
        return (text or "").split()

    async def preupload(self, request):
        name, repository, sha = self.find(request, write=not request.query.get("create_pr"))
        body = fields(await request.json(), ("files", "gitIgnore"), ("files",))
        answers, files = [], repository["commits"][sha]["files"]
        ignored = self.ignored(name, files, body)
        for each in body["files"]:
            fields(each, ("path", "sample", "size"), ("path", "sample", "size"))
            sample = base64.b64decode(each["sample"], validate=True)
            if len(sample) not in (0, min(512, each["size"])):  # datasets 2.19 sends none
                raise refuse(400, "a sample of another size")
            mode = "lfs" if each["path"].endswith(LFS) or each["size"] > 10_000_000 else "regular"
            known = files.get(each["path"], {})
            oid = known.get("sha256", known.get("oid"))
            ignore = any(fnmatch.fnmatch(each["path"], pattern) for pattern in ignored)
            answer = {"path": each["path"], "uploadMode": mode, "shouldIgnore": ignore, "oid": oid}
            answers.append(answer)
        return web.json_response({"files": answers})

    async def batch(self, request):
        known = ("operation", "transfers", "objects", "hash_algo", "ref")
        body = fields(json.loads(await request.text()), known, known[:4])
        name = self.find_for_upload(request, write="ref" in body)
        if (
            body["operation"] != "upload"
            or body["hash_algo"] != "sha256"
            or "basic" not in body["transfers"]
        ):
            raise refuse(400, "not an upload that this server takes")
        answers = []
        for each in body["objects"]:
            fields(each, ("oid", "size"), ("oid", "size"))
            if not (self.path(name) / "objects" / each["oid"]).exists():
                upload = {
                    "href": f"{self.url}/lfs/{name}/{each['oid']}?size={each['size']}",
                    "header": {},
                }
                each = {
                    **each,
                    "actions": {
                        "upload": upload,
                        "verify": {"href": f"{self.url}/lfs/{name}/verify"},
                    },
                }
            answers.append(each)
        content_type = "application/vnd.git-lfs+json"
        return web.json_response(
            {"transfer": "basic", "objects": answers}, content_type=content_type
        )

    async def put(self, request):
        content, oid = await request.read(), request.match_info["oid"]
        if len(content) != int(request.query["size"]) or hashlib.sha256(content).hexdigest() != oid:
            raise refuse(400, "other content than announced")
        self.uploaded += len(content)
        self.store(request.match_info["repo"], content, lfs=True)
        return web.Response()

    def find_for_upload(self, request, write):
        """Return the repository; whoever may open a pull request may also upload its objects."""
        name, _, _ = self.find(request, write=write)
        if self.who(request) is None:
            raise refuse(401, "You need to be logged in")
        return name

    async def verify(self, request):
        name = self.find_for_upload(request, write=False)
        body = fields(await request.json(), ("oid", "size"), ("oid", "size"))
        path = self.path(name) / "objects" / body["oid"]
        if not path.exists() or path.stat().st_size != body["size"]:
            raise refuse(404, "no such object")
        return web.Response()

    async def commit(self, request):
        opens_pull = bool(fields(dict(request.query), ("create_pr",)))
        name, _, _ = self.find(request, write=not opens_pull)
        lines = [json.loads(line) for line in (await request.text()).splitlines() if line]
        header = fields(lines[0]["value"], ("summary", "description", "parentCommit"), ("summary",))
        if lines[0]["key"] != "header" or not header["summary"]:
            raise refuse(400, "no header")
        if self.before_commit:
            self.before_commit(name)
        branch, repository = request.match_info["revision"], self.read(name)
        parent = repository["refs"].get(branch)
        if branch.startswith("refs/pr/"):
            parent = repository["pulls"].get(branch.removeprefix("refs/pr/"))
        if parent is None or header.get("parentCommit", parent) != parent:
            raise refuse(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repository["commits"][parent]["files"])
        for line in lines[1:]:
            self.apply(name, files, fields(line, ("key", "value"), ("key", "value")))
        sha = self.record(
            name, repository, None if opens_pull else branch, parent, header["summary"], files
        )
        url = f"{self.url}/datasets/{name}/commit/{sha}"
        answer = {"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""}
        if opens_pull:
            number = len(repository["pulls"]) + 1
            repository["pulls"][str(number)] = sha
            self.write(name, repository)
            answer["pullRequestUrl"] = f"{self.url}/datasets/{name}/discussions/{number}"
        return web.json_response(answer)

    def apply(self, name, files, line):
        value = line["value"]
        if line["key"] == "file":
            fields(value, ("content", "path", "encoding"), ("content", "path", "encoding"))
            content = base64.b64decode(value["content"], validate=True)
            self.uploaded += len(content)
            files[value["path"]] = self.store(name, content, lfs=False)
        elif line["key"] == "lfsFile":
            fields(value, ("path", "algo", "oid", "size"), ("path", "algo", "oid", "size"))
            path = self.path(name) / "objects" / value["oid"]
            if (
                value["algo"] != "sha256"
                or not path.exists()
                or path.stat().st_size != value["size"]
            ):
                raise refuse(400, f"no such object for {value['path']}")
            files[value["path"]] = self.store(name, path.read_bytes(), lfs=True)
        elif line["key"] == "deletedFile":
            if fields(value, ("path",), ("path",))["path"] not in files:
                raise refuse(400, f"no file {value['path']} to delete")
            del files[value["path"]]
        else:
            raise refuse(400, f"no operation {line['key']}")
