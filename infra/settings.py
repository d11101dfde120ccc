"""Settings of every process, read once from the environment by the composition roots. Nothing is read at import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from schemas.errors import ConfigurationError

PREFIX = "STORYREEL_"


class Settings(Struct, frozen=True, kw_only=True):
    """Each field is read from `STORYREEL_<FIELD>` in upper case; times are seconds.

    `database_url` also answers to `DATABASE_URL`. `object_store` is "local" (files under `data_dir`/objects) or
    "s3://BUCKET" together with the `s3_*` fields. `replication` is 1 on one broker, 3 on a cluster.
    """

    data_dir: Path = Path(".storyreel")
    kafka: str = "127.0.0.1:9092"
    registry_url: str = "http://127.0.0.1:8081/apis/ccompat/v7"
    database_url: str = "postgresql://storyreel@127.0.0.1:5432/storyreel"
    object_store: str = "local"
    s3_endpoint: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    s3_secure: bool = True
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    public_url: str = ""  # how clients reach the API; "" = http://api_host:api_port
    shards: int = 1
    device_slots: int = 64
    device_nice: int = 10  # 0-19; rendering on a shared host yields to those who accept and decide
    read_model_nice: int = 0  # 0-19; the read models on a shared host yield to those who accept and decide
    replication: int = 1
    heartbeat_interval: float = 2.0
    lease_timeout: float = 10.0
    retry_wait: float = 60.0
    acquire_timeout: float = 300.0
    affinity_wait: float = 2.0  # how long work may wait for the sake of models that devices hold; 0 = strict order
    cached_charge: int = 1  # what a result that is taken again costs: 0 nothing, 1 the same as rendering
    request_ttl: float = 1.5
    tick_interval: float = 0.25
    coordinator_session: float = 6.0
    coordinator_heartbeat: float = 0.5
    snapshot_events: int = 50_000
    webhook_allow_private: bool = False  # also call http and hosts of one's own network; for development only
    webhook_retries: str = "5,300,1800,7200,18000,36000,50400,72000,86400"  # seconds; three days in all
    drift_interval: float = 600.0  # between two checks of a sample of the read models against the log; 0 = none
    models: str = ""  # path of the registry of models (TOML); "" = no models
    face_detector_model: str = ""  # path of an ONNX face detector (YuNet); "" = centre crop
    log_level: str = "INFO"

    @property
    def base_url(self) -> str:
        """The API's address as clients see it, without a trailing slash."""
        return (self.public_url or f"http://{self.api_host}:{self.api_port}").rstrip("/")

    @property
    def secrets_dir(self) -> Path:
        """Folder (0700) of generated secrets and the keystore; never on the log, never in backups of the log."""
        return self.data_dir / "secrets"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read and check the environment. Raises `ConfigurationError` that names the variable and the rule."""
        values: dict[str, str] = {}
        if "DATABASE_URL" in environ:
            values["database_url"] = environ["DATABASE_URL"]
        fields = set(cls.__struct_fields__)
        for key, value in environ.items():
            if not key.startswith(PREFIX):
                continue
            name = key.removeprefix(PREFIX).lower()
            if name in fields:
                values[name] = value
        try:
            settings = msgspec.convert(values, cls, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"environment {PREFIX}*: {error}") from error
        if settings.cached_charge not in (0, 1):
            raise ConfigurationError(f"{PREFIX}CACHED_CHARGE: must be 0 or 1, got {settings.cached_charge}")
        for name in ("device_nice", "read_model_nice"):
            if not 0 <= (nice := getattr(settings, name)) <= 19:
                raise ConfigurationError(f"{PREFIX}{name.upper()}: must be 0 to 19, got {nice}")
        if settings.shards != 1:
            raise ConfigurationError(f"{PREFIX}SHARDS: one shard runs in this version, got {settings.shards}")
        return settings

    def to_env(self) -> dict[str, str]:
        """The variables that make a child process read the same settings."""
        raw = {name: getattr(self, name) for name in self.__struct_fields__}
        return {
            PREFIX + name.upper(): str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in raw.items()
        }


def _decode(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value)).expanduser()
    raise NotImplementedError(kind)
