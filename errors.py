"""Every error raised on purpose, with the HTTP status and the stable reason a client sees.

ServiceError                       500  internal               something went wrong inside the service
├── InvalidRequest                 400  invalid_request        a form field or a parameter is wrong
├── UnsupportedVideo               400  unsupported_video      not a video we read
├── VideoTooLarge                  400  video_too_large        pixels, duration or frame rate past the limits
├── BodyTimeout                    408  body_timeout           a request's body came too slowly
├── UploadTooLarge                 413  upload_too_large       more bytes than MAX_UPLOAD_MB
├── IdempotencyMismatch            422  idempotency_mismatch   its key was used for another upload
├── Unauthorized                   401  unauthorized           no key, or a wrong one, where keys are set
├── RateLimited                    429  rate_limited           more calls a minute than one client may make
├── QueueFull                      429  queue_full             as many sessions wait as MAX_QUEUED allows
├── Draining                       503  draining               the service is about to stop
├── NotReady                       503  not_ready              it cannot take work now; the body's reason says why
├── StorageUnavailable             503  storage_unavailable    the store for files cannot be reached
├── StoreAway                      503  store_unavailable      what keeps the sessions' rows cannot be reached
├── InsufficientStorage            507  insufficient_storage   the disk is full, or nearly
├── SessionNotFound                404  session_not_found      unknown, deleted or malformed id, or somebody else's
├── SessionExpired                 404  session_expired        its time to live is over
├── FileNotFound                   404  file_not_found         the session's result lists no such file
├── ResultsNotReady                400  results_not_ready      still queued or processing
├── SessionCancelled               400  session_cancelled      its results were asked for
├── AlreadyEnded                   400  already_ended          its cancellation was asked for
├── HttpRefusal                    any  any                    what HTTP itself refuses, and what a client was told
└── AnalysisFailed                 500  internal               the analysis ended without a result
    ├── DecoderCrashed             500  decoder_crashed        the process that reads the video died of it
    │   └── DecoderUnavailable     503  decoder_crashed        none can be started; decoder_unavailable at an upload
    ├── DecodeTimeout              500  decode_timeout         reading the video took too long
    ├── OutOfMemory                500  out_of_memory          reading the video, or looking at it, took too much memory
    ├── Stalled                    500  stalled                nothing moved for longer than any step takes
    ├── TooManyAttempts            500  too_many_attempts      its work was begun MAX_ATTEMPTS times
    └── VisionUnreachable          500  vision_unreachable     no answer can be had from the vision server
AnalysisStopped                         ends a running analysis; never reaches a client
CannotStart                             ends the program at start, in words
"""


class ServiceError(Exception):
    """Base class. The message is for a person; `details` join the flat body beside it, and a `reason` among
    them is more exact than the class's."""

    status_code = 500
    reason = "internal"
    retry_after_seconds: int | None = None
    """Sent as `Retry-After` where asking again later makes sense."""

    def __init__(self, message: str, /, **details: object) -> None:
        super().__init__(message)
        self.details = details

    @property
    def exact_reason(self) -> str:
        """As a client is told it."""
        return str(self.details.get("reason", self.reason))


class InvalidRequest(ServiceError):
    """`details` may hold `details=[{"loc": …, "msg": …}]`, one entry a wrong field."""

    status_code = 400
    reason = "invalid_request"


class UnsupportedVideo(ServiceError):
    status_code = 400
    reason = "unsupported_video"


class VideoTooLarge(ServiceError):
    status_code = 400
    reason = "video_too_large"


class BodyTimeout(ServiceError):
    """What is left of the body is not read: the connection is closed."""

    status_code = 408
    reason = "body_timeout"


class UploadTooLarge(ServiceError):
    status_code = 413
    reason = "upload_too_large"


class IdempotencyMismatch(ServiceError):
    status_code = 422
    reason = "idempotency_mismatch"


class Unauthorized(ServiceError):
    status_code = 401
    reason = "unauthorized"


class RateLimited(ServiceError):
    status_code = 429
    reason = "rate_limited"

    def __init__(self, message: str, /, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class QueueFull(ServiceError):
    status_code = 429
    reason = "queue_full"
    retry_after_seconds = 10


class Draining(ServiceError):
    status_code = 503
    reason = "draining"
    retry_after_seconds = 5


class NotReady(ServiceError):
    status_code = 503
    reason = "not_ready"
    retry_after_seconds = 5


class StorageUnavailable(ServiceError):
    status_code = 503
    reason = "storage_unavailable"
    retry_after_seconds = 5


class StoreAway(ServiceError):
    """What was asked for was not done, or nobody knows whether it was."""

    status_code = 503
    reason = "store_unavailable"
    retry_after_seconds = 2


class InsufficientStorage(ServiceError):
    status_code = 507
    reason = "insufficient_storage"


class SessionNotFound(ServiceError):
    status_code = 404
    reason = "session_not_found"


class SessionExpired(ServiceError):
    status_code = 404
    reason = "session_expired"


class FileNotFound(ServiceError):
    status_code = 404
    reason = "file_not_found"


class ResultsNotReady(ServiceError):
    status_code = 400
    reason = "results_not_ready"


class SessionCancelled(ServiceError):
    status_code = 400
    reason = "session_cancelled"


class AlreadyEnded(ServiceError):
    status_code = 400
    reason = "already_ended"


class HttpRefusal(ServiceError):
    """`not_found`, `method_not_allowed`, `cors_refused`, `http_error`; in the client, whatever the service said."""

    def __init__(self, message: str, /, status_code: int, reason: str, **details: object) -> None:
        super().__init__(message, **details)
        self.status_code = status_code
        self.reason = reason


class AnalysisFailed(ServiceError):
    """The message says why, in words for a person; the class says it for programs."""


class DecoderCrashed(AnalysisFailed):
    reason = "decoder_crashed"


class DecoderUnavailable(DecoderCrashed):
    """Not the video's fault, nor its client's: the same request may do later."""

    status_code = 503
    retry_after_seconds = 5


class DecodeTimeout(AnalysisFailed):
    reason = "decode_timeout"


class OutOfMemory(AnalysisFailed):
    reason = "out_of_memory"


class Stalled(AnalysisFailed):
    reason = "stalled"


class TooManyAttempts(AnalysisFailed):
    reason = "too_many_attempts"


class VisionUnreachable(AnalysisFailed):
    """No answer can be had from the vision server now. The words reach a session's client, so they hold no address."""

    reason = "vision_unreachable"


class AnalysisStopped(BaseException):
    """Raised inside a running analysis once the ledger refuses its progress.

    Not an `Exception`: no library's `except Exception` on the way up may swallow it.
    """


class CannotStart(Exception):
    """The program cannot start as configured. The message is for the operator."""
