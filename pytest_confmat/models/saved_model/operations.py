"""The operations that compute and do nothing else: the only ones that are run of a file.

By hand, as TensorFlow does not tell: an operation that it calls stateful may only read a variable,
and one that it does not may read a file (`ReadFile`) or run Python (`PyFuncStateless`). Left out is
whatever reads or writes files (`PrintV2` and `DebugIdentity` too), runs Python or code in another
language, talks to other processes, ends this one (`Abort`), or waits for something.
"""

from __future__ import annotations

from collections.abc import Iterable

# Arithmetic, comparisons, reductions, linear algebra.
_MATH = """
Abs Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2
Atanh BandedTriangularSolve BatchMatMul BatchMatMulV2 BatchMatMulV3 BesselI0 BesselI0e BesselI1
BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e BesselY0 BesselY1 Betainc
Bincount Bitcast BitwiseAnd BitwiseOr BitwiseXor Bucketize Cast Ceil CheckNumerics CheckNumericsV2
Cholesky ClipByValue Complex ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp
Dawsn DenseBincount Digamma Div DivNoNan Einsum Equal Erf Erfc Erfinv EuclideanNorm Exp Expint
Expm1 Floor FloorDiv FloorMod FresnelCos FresnelSin Greater GreaterEqual HistogramFixedWidth
Igamma Igammac Imag Inv Invert IsFinite IsInf IsNan L2Loss LeftShift Less LessEqual Lgamma LinSpace
Log Log1p LogMatrixDeterminant LogicalAnd LogicalNot LogicalOr Lu MatMul MatrixDeterminant
MatrixExponential MatrixInverse MatrixLogarithm MatrixSolve MatrixSolveLs MatrixSquareRoot
MatrixTriangularSolve Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg NextAfter NotEqual
Polygamma PopulationCount Pow Prod Qr Real RealDiv Reciprocal RightShift Rint Round Rsqrt
SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum
SegmentSumV2 SelfAdjointEigV2 Sigmoid Sign Sin Sinh Spence Sqrt Square SquaredDifference Sub Sum
Svd Tan Tanh TridiagonalMatMul TridiagonalSolve TruncateDiv TruncateMod UnsortedSegmentMax
UnsortedSegmentMin UnsortedSegmentProd UnsortedSegmentSum Xdivy Xlog1py Xlogy Zeta
FFT FFT2D FFT3D FFTND IFFT IFFT2D IFFT3D IFFTND IRFFT IRFFT2D IRFFT3D IRFFTND RFFT RFFT2D RFFT3D
RFFTND AudioSpectrogram Mfcc
"""
# Shapes, and what moves, picks or joins numbers.
_ARRAYS = """
BatchToSpace BatchToSpaceND BroadcastArgs BroadcastGradientArgs BroadcastTo Concat ConcatOffset
ConcatV2 ConjugateTranspose Const DataFormatDimMap DataFormatVecPermute DeepCopy DepthToSpace Diag
DiagPart DynamicPartition DynamicStitch Empty EnsureShape ExpandDims FakeParam Fill Gather GatherNd
GatherV2 GuaranteeConst HostConst Identity IdentityN InvertPermutation ListDiff LowerBound
MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3
MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad OneHot OnesLike Pack Pad PadV2
ParallelConcat ParallelDynamicStitch PreventGradient Range Rank Reshape Reverse ReverseSequence
ReverseV2 Roll ScatterNd ScatterNdNonAliasingAdd Select SelectV2 Shape ShapeN Size Slice Snapshot
SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice
TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
TensorStridedSliceUpdate Tile Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
UnravelIndex UpperBound Where ZerosLike
EmptyTensorList TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit
TensorListStack
TensorArrayV3 TensorArrayCloseV3 TensorArrayConcatV3 TensorArrayGatherV3 TensorArrayReadV3
TensorArrayScatterV3 TensorArraySizeV3 TensorArraySplitV3 TensorArrayWriteV3
"""
# Layers of nets.
_NETS = """
ApproxTopK AvgPool AvgPool3D BiasAdd BiasAddV1 BlockLSTM BlockLSTMV2 Conv Conv2D Conv3D
Conv2DBackpropInput Conv3DBackpropInput Conv3DBackpropInputV2 CudnnRNN CudnnRNNV2 CudnnRNNV3
DepthwiseConv2dNative Dilation2D Elu FractionalAvgPool FractionalMaxPool FusedBatchNorm
FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D GRUBlockCell InTopK
InTopKV2 KthOrderStatistic LRN LSTMBlockCell LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2
MaxPoolWithArgmax NthElement Relu Relu6 Selu Softmax Softplus Softsign
SoftmaxCrossEntropyWithLogits SparseSoftmaxCrossEntropyWithLogits TopK TopKV2
Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
QuantizeAndDequantize QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4
QuantizeDownAndShrinkRange QuantizeV2 QuantizedAdd QuantizedAvgPool QuantizedBiasAdd
QuantizedConcat QuantizedConcatV2 QuantizedConv2D QuantizedMatMul QuantizedMaxPool QuantizedMul
QuantizedRelu QuantizedRelu6 QuantizedReluX QuantizedReshape QuantizedResizeBilinear
RequantizationRange Requantize UniformDequantize UniformQuantize UniformQuantizedAdd
UniformQuantizedClipByValue UniformQuantizedConvolution UniformQuantizedConvolutionHybrid
UniformQuantizedDot UniformQuantizedDotHybrid UniformRequantize
"""
# Pictures, and text on its way to numbers.
_FEATURES = """
AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
DecodeAndCropJpeg DecodeBmp DecodeGif DecodeImage DecodeJpeg DecodePng DecodeWebP DrawBoundingBoxes
DrawBoundingBoxesV2 EncodeJpeg EncodePng ExtractGlimpse ExtractGlimpseV2 ExtractImagePatches
ExtractJpegShape ExtractVolumePatches HSVToRGB ImageProjectiveTransformV2
ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2 NonMaxSuppressionV3
NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV ResizeArea
ResizeBicubic ResizeBilinear ResizeNearestNeighbor ScaleAndTranslate
AsString DecodeBase64 DecodeCSV DecodePaddedRaw DecodeRaw EncodeBase64 ParseExample ParseExampleV2
ParseSingleExample ParseTensor ReduceJoin RegexFullMatch RegexReplace StaticRegexFullMatch
StaticRegexReplace StringFormat StringJoin StringLength StringLower StringNGrams StringSplit
StringSplitV2 StringStrip StringToHashBucket StringToHashBucketFast StringToHashBucketStrong
StringToNumber StringUpper Substr UnicodeDecode UnicodeDecodeWithOffsets UnicodeEncode
UnicodeScript UnicodeTranscode UnsortedSegmentJoin
"""
# Sparse and ragged tensors.
_SPARSE = """
DenseCountSparseOutput DenseToDenseSetOperation DenseToSparseSetOperation RaggedBincount
RaggedCountSparseOutput RaggedCross RaggedFillEmptyRows RaggedGather RaggedRange
RaggedTensorFromVariant RaggedTensorToSparse RaggedTensorToTensor RaggedTensorToVariant SetSize
SparseAdd SparseBincount SparseConcat SparseCountSparseOutput SparseCross SparseCrossHashed
SparseCrossV2 SparseDenseCwiseAdd SparseDenseCwiseDiv SparseDenseCwiseMul SparseFillEmptyRows
SparseMatMul SparseReduceMax SparseReduceSum SparseReorder SparseReshape SparseSegmentMean
SparseSegmentMeanWithNumSegments SparseSegmentSqrtN SparseSegmentSqrtNWithNumSegments
SparseSegmentSum SparseSegmentSumWithNumSegments SparseSlice SparseSoftmax SparseSparseMaximum
SparseSparseMinimum SparseSplit SparseTensorDenseAdd SparseTensorDenseMatMul SparseToDense
SparseToSparseSetOperation
"""
# Order, and functions of the file, which are looked into themselves.
_CONTROL = """
Assert Case ControlTrigger DeviceIndex Enter Exit For If LoopCond Merge NextIteration NoOp
PartitionedCall Placeholder PlaceholderV2 PlaceholderWithDefault RefEnter RefExit RefIdentity
RefMerge RefNextIteration RefSelect RefSwitch StatefulPartitionedCall StatelessCase StatelessIf
StatelessWhile Switch While
"""
# Variables and tables, which live in this process and go with it.
_MEMORY = """
Assign AssignAdd AssignAddVariableOp AssignSub AssignSubVariableOp AssignVariableOp CountUpTo
DestroyResourceOp DisableCopyOnRead IsVariableInitialized ReadVariableOp ResourceGather
ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin
ResourceScatterMul ResourceScatterNdAdd ResourceScatterNdSub ResourceScatterNdUpdate
ResourceScatterSub ResourceScatterUpdate ResourceStridedSliceAssign ScatterAdd ScatterSub
ScatterUpdate VarHandleOp VarIsInitializedOp Variable VariableShape VariableV2
AnonymousHashTable AnonymousMutableHashTable HashTable HashTableV2 InitializeTable
InitializeTableV2 LookupTableExport LookupTableExportV2 LookupTableFind LookupTableFindV2
LookupTableImport LookupTableImportV2 LookupTableInsert LookupTableInsertV2 LookupTableSize
LookupTableSizeV2 MutableDenseHashTable MutableDenseHashTableV2 MutableHashTable
MutableHashTableOfTensors MutableHashTableOfTensorsV2 MutableHashTableV2
"""
_CHANCE = """
Multinomial NonDeterministicInts ParameterizedTruncatedNormal RandomGamma RandomPoisson
RandomPoissonV2 RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip
RngSkip StatefulRandomBinomial StatefulStandardNormal StatefulStandardNormalV2
StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt
StatelessMultinomial StatelessParameterizedTruncatedNormal StatelessRandomBinomial
StatelessRandomGammaV2 StatelessRandomGammaV3 StatelessRandomGetAlg StatelessRandomGetKeyCounter
StatelessRandomGetKeyCounterAlg StatelessRandomNormal StatelessRandomNormalV2
StatelessRandomPoisson StatelessRandomUniform StatelessRandomUniformFullInt
StatelessRandomUniformFullIntV2 StatelessRandomUniformInt StatelessRandomUniformIntV2
StatelessRandomUniformV2 StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
TruncatedNormal
"""
COMPUTING = frozenset(
    f"{_MATH}{_ARRAYS}{_NETS}{_FEATURES}{_SPARSE}{_CONTROL}{_MEMORY}{_CHANCE}".split()
)
# Read a file, whose place is looked at by itself: of the variables, and of a table.
RESTORING = frozenset({"RestoreV2"})
TABLE_FILES = frozenset({"InitializeTableFromTextFile", "InitializeTableFromTextFileV2"})


def beyond(kinds: Iterable[str], also: frozenset[str] = frozenset()) -> list[str]:
    """Return the operations that are not known to do nothing but compute, sorted."""
    return sorted(set(kinds) - COMPUTING - also)
