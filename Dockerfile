# The service as one image: two stages, so that nothing stays in it but what runs.
#
#   docker build -t video .
#   docker run --read-only --tmpfs /tmp -p 8000:8000 -v video:/data -v models:/models video
#
# guides/railway.md has what a platform needs to know; NOTICE says under which licences the codecs are.

# By its digest, which is what was read; the tag is for people.
FROM python:3.11.15-slim-bookworm@sha256:d29f48a31a8b408ed19272ca1e7b10ebae13b240a27e862d3d4217c528e2e0c3 AS base

FROM base AS packages
WORKDIR /build
COPY requirements.txt requirements.lock ./
# Every file is the one that was locked, but for torch's, which differs by platform. Bytecode comes later, of what is loaded.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --require-hashes --no-deps -r requirements.lock
# PyTorch's small build; leave it empty (--build-arg TORCH_INDEX=) for the one that uses NVIDIA's GPUs. Its headers and the
# programs by which it is tested are of no use to who only runs it.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN grep '^torch==' requirements.txt > torch.txt \
    && pip --python /opt/venv/bin/python install --no-cache-dir --no-compile ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} \
        --requirement torch.txt \
    && torch=/opt/venv/lib/python3.11/site-packages/torch && rm -rf "$torch/include" "$torch/test" \
    && find "$torch/bin" -type f ! -name torch_shm_manager -delete

FROM packages AS app
WORKDIR /app
COPY . .
ENV PATH=/opt/venv/bin:$PATH
# A video is drawn and analysed: an image that cannot do that is not built, and what was loaded for it has its bytecode now.
RUN VISION_MODEL=none python cli.py demo && python -c 'import app, celery_worker, stores.redis, stores.objects, vision.smolvlm'

FROM app AS model
# Weights in the image (--build-arg MODEL=HuggingFaceTB/SmolVLM2-500M-Video-Instruct), for where there is no volume to keep
# them, or no network. Without it the service fetches its model once it runs, and keeps it in /models.
ARG MODEL=
ARG MODEL_REVISION=
RUN mkdir /models && if [ -n "$MODEL" ]; then HF_HOME=/models HF_XET_CACHE=/tmp/xet \
        python -c 'import sys; from vision import hub; hub.find(sys.argv[1], sys.argv[2] or None, lambda *_: None)' \
        "$MODEL" "$MODEL_REVISION"; fi

FROM base
# An init as process 1: it passes signals on, and collects what dies.
RUN apt-get update && apt-get install -y --no-install-recommends tini=0.19.0-* && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 service \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin service \
    && install --directory --owner=10001 --group=10001 /data
COPY --from=app /opt/venv /opt/venv
COPY --from=app /app /app
COPY --from=model --chown=10001:10001 /models /models
ARG MODEL=
ARG MODEL_REVISION=
ENV PATH=/opt/venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 DATA_DIR=/data HF_HOME=/models VISION_MODEL=${MODEL:-auto} VISION_REVISION=${MODEL_REVISION}
WORKDIR /app
# By number, so that a platform can see that it is not root. deploy/start says when it may be started as root all the same.
USER 10001:10001
EXPOSE 8000
# Whether the process answers: a full disk or a store that is away is no reason to start it anew (that is /readyz).
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "\
import os; from http.client import HTTPConnection; \
asked = HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 8000), timeout=4); asked.request('GET', '/livez'); \
raise SystemExit(asked.getresponse().status != 200)"]
ENTRYPOINT ["/app/deploy/start"]
CMD ["python", "app.py"]
