# The service as one image. Its wheels carry all they need; no system package is added.
FROM python:3.11-slim

WORKDIR /app
COPY requirements.txt requirements.lock ./
# Every file is the one that was locked, but for torch's, which differs by platform.
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
# PyTorch's small build; leave it empty (--build-arg TORCH_INDEX=) for the one that uses NVIDIA's GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install --no-cache-dir "$(grep -o '^torch==[0-9.]*' requirements.txt)" ${TORCH_INDEX:+--index-url $TORCH_INDEX}
COPY . .

RUN useradd --system --home /app service && mkdir /data /models && chown service /data /models
USER service
ENV HOST=0.0.0.0 DATA_DIR=/data HF_HOME=/models
VOLUME /data /models
EXPOSE 8000
CMD ["python", "app.py"]
